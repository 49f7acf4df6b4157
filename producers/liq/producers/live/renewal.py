"""The replacement of a connection: by age, for unanswered names, at a notice of the venue."""

import asyncio
from typing import Final

from liq.producers.feeds import FeedSpec
from liq.producers.live.context import ConnectionContext
from liq.producers.live.liveness import MOST_DOUBLINGS
from liq.producers.live.session import Session
from liq.producers.live.session_end import SessionEnd
from liq.producers.live.status import list_names
from liq.runtime.logs import get_logger
from liq.schemas.vocabulary import FeedEvent

JITTER_SHARE: Final = 0.05

log = get_logger(__name__)


class Renewal:
    """The wait for the next replacement of one connection, over all its sessions."""

    def __init__(self, feed: FeedSpec, context: ConnectionContext) -> None:
        self._feed = feed
        self._context = context
        self._timing = context.session.timing
        self._requested = asyncio.Event()
        self._is_silent = False
        self._notices = 0
        self._unanswered_in_vain = 0

    def request(self, *, is_silent: bool = False) -> None:
        """Request the replacement of the connection now."""
        self._is_silent = is_silent
        self._requested.set()

    def begin(self) -> None:
        """Clear the request, because a new session starts."""
        self._requested.clear()
        self._is_silent = False

    def take_silent(self) -> bool:
        """Return whether silence caused the request, and clear that flag."""
        is_silent, self._is_silent = self._is_silent, False
        return is_silent

    async def wait(
        self, session: Session, task: "asyncio.Task[SessionEnd]", age_seconds: float
    ) -> bool:
        """Wait; return True if the session must be replaced, False if it has ended."""
        clock = self._context.session.clock
        since = clock.monotonic() - age_seconds
        requested = asyncio.create_task(self._requested.wait())
        closing = asyncio.create_task(session.is_closing.wait())
        try:
            await asyncio.wait(
                {task, requested, closing},
                timeout=max(0.0, self._lifetime(session) - age_seconds),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            requested.cancel()
            closing.cancel()
        if session.is_closing.is_set():
            await self._take_notice(session, task, clock.monotonic() - since)
        elif not task.done() and not self._requested.is_set():
            await self._tell_unanswered(session)
        return not task.done()

    def _lifetime(self, session: Session) -> float:
        """Return the lifetime of a session; it is shorter with refused or unanswered names."""
        lifetime = self._feed.lifetime_seconds * (
            1 - JITTER_SHARE * self._context.random_source.random()
        )
        if session.subscriptions.refused:
            lifetime = min(lifetime, self._timing.refused_retry)
        if session.subscriptions.never_answered:
            doublings = min(self._unanswered_in_vain, MOST_DOUBLINGS)
            return min(lifetime, self._feed.silence_seconds * float(2**doublings))
        self._unanswered_in_vain = 0
        return lifetime

    async def _take_notice(
        self, session: Session, task: "asyncio.Task[SessionEnd]", age_seconds: float
    ) -> None:
        """Count a notice that the venue will close the connection; back off after repeated ones."""
        self._notices = 1 if age_seconds >= self._timing.stable else self._notices + 1
        log.info("closing_announced", connection=session.connection, in_a_row=self._notices)
        if self._notices > 1:
            backoff, source = self._timing.backoff, self._context.random_source
            wait_seconds = backoff.wait_seconds(self._notices - 1, source)
            await asyncio.wait({task}, timeout=wait_seconds)

    async def _tell_unanswered(self, session: Session) -> None:
        names = session.subscriptions.never_answered
        if names:
            self._unanswered_in_vain += 1
            await self._context.reporter.tell(
                self._feed,
                session.connection,
                FeedEvent.STALE,
                f"never answered, reconnecting: {list_names(sorted(names))}",
            )
