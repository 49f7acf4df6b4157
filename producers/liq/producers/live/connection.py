"""One connection of a feed, kept up: it reconnects, is replaced before expiry, and records gaps.

The connection that replaces another subscribes before the other closes. Frames that both receive
get the same event ids, by which readers deduplicate them.
"""

import asyncio
import random
import secrets
from dataclasses import dataclass
from typing import Final

from liq.producers.feeds.settings import Target
from liq.producers.live.clock import now_ms
from liq.producers.live.session import Session, SessionContext, SessionEnd, describe_refusals
from liq.producers.live.status import FeedReporter
from liq.runtime.metrics import FEED_BREAKER, FEED_CONNECTED, FEED_CONNECTIONS
from liq.runtime.retry import CircuitBreaker, show_breaker
from liq.schemas.vocabulary import FeedEvent

ADMISSION_POLL_SECONDS: Final = 0.5
JITTER_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class ConnectionContext:
    """What the connections of one exchange share, and how this process calls itself."""

    session: SessionContext
    reporter: FeedReporter
    breaker: CircuitBreaker
    slot: str
    random_source: random.Random


@dataclass(slots=True)
class _Live:
    session: Session
    task: "asyncio.Task[SessionEnd]"
    since: float


class Connection:
    """One of a feed's connections, for as long as the process runs.

    `covered_until_ms` is the time up to which somebody received this feed before, if anyone did.
    """

    def __init__(
        self,
        target: Target,
        names: tuple[str, ...],
        context: ConnectionContext,
        covered_until_ms: int | None = None,
    ) -> None:
        self.names = names
        self._target = target
        self._feed = target.feed
        self._context = context
        self._clock = context.session.clock
        self._timing = context.session.timing
        self._covered_until_ms = covered_until_ms
        self._failures = 0
        self._is_connected = False
        self._renew = asyncio.Event()
        self._sessions: set[asyncio.Task[SessionEnd]] = set()

    @property
    def room(self) -> int:
        """How many more names it can take."""
        return self._feed.names_per_connection - len(self.names)

    def add(self, names: tuple[str, ...]) -> None:
        """Subscribe to more names, by way of a new connection."""
        self.names += names
        self._renew.set()

    def renew(self) -> None:
        """Replace the connection by a new one soon."""
        self._renew.set()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        try:
            live = await self._establish()
            while True:
                if await self._wait_for_renewal(live):
                    live = await self._replace(live)
                else:
                    await self._note_end(live.session, live.task.result(), live.since)
                    await asyncio.sleep(self._backoff())
                    live = await self._establish()
        finally:
            self._set_connected(connected=False)
            await _end(*self._sessions)
            await self._close_gap(
                f"{self._context.slot}:{self._feed.label}", "not connected at the end"
            )

    async def _establish(self) -> _Live:
        """Try until subscribed; says what is missing from before."""
        while True:
            await self._wait_for_admission()
            live = await self._open()
            if isinstance(live, _Live):
                return live
            await asyncio.sleep(self._backoff())

    async def _open(self, *, opens_gap: bool = True) -> _Live | None:
        """One attempt; None if it failed, which is then recorded."""
        self._renew.clear()
        started_ms = now_ms(self._clock)
        session = Session(
            self._feed,
            self._target.address,
            self.names,
            f"{self._context.slot}:{self._feed.label}:{secrets.token_hex(4)}",
            self._context.session,
        )
        task = asyncio.create_task(session.run(), name=session.connection)
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        answered = asyncio.create_task(session.answered.wait())
        try:
            await asyncio.wait({task, answered}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered.cancel()
        if task.done():
            if opens_gap:
                self._covered_until_ms = self._covered_until_ms or started_ms
            await self._note_end(session, task.result(), None)
            return None
        await self._note_subscribed(session)
        return _Live(session, task, self._clock.monotonic())

    async def _wait_for_admission(self) -> None:
        breaker = self._context.breaker
        while (wait := breaker.wait_seconds(self._clock.monotonic())) > 0:  # noqa: ASYNC110 - time opens it too
            await asyncio.sleep(min(wait, ADMISSION_POLL_SECONDS))
        self._show_breaker()

    async def _wait_for_renewal(self, live: _Live) -> bool:
        """True when the connection is to be replaced, false when it has ended."""
        lifetime = self._feed.lifetime_seconds * (
            1 - JITTER_SHARE * self._context.random_source.random()
        )
        if live.session.subscriptions.refused:
            lifetime = min(lifetime, self._timing.refused_retry)
        renew = asyncio.create_task(self._renew.wait())
        try:
            await asyncio.wait(
                {live.task, renew}, timeout=lifetime, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            renew.cancel()
        return not live.task.done()

    async def _replace(self, old: _Live) -> _Live:
        """A new connection beside the old one, which goes once the new one is subscribed."""
        while True:
            new = await self._open_beside(old)
            if new is None and old.task.done():
                await self._note_end(old.session, old.task.result(), old.since)
                return await self._establish()
            if new is not None:
                await asyncio.wait({old.task}, timeout=self._timing.overlap)
                await _end(old.task)
                return new
            await asyncio.wait({old.task}, timeout=self._backoff())

    async def _open_beside(self, old: _Live) -> _Live | None:
        new = await self._open(opens_gap=False)
        if new is not None and old.task.done():
            await self._context.reporter.gap(
                self._feed, new.session.connection, old.session.last_sign_ms, "lost while replaced"
            )
        return new

    async def _note_subscribed(self, session: Session) -> None:
        self._context.breaker.close()
        self._show_breaker()
        self._set_connected(connected=True)
        FEED_CONNECTIONS.labels(self._feed.exchange, self._feed.name, "subscribed").inc()
        reporter, refused = self._context.reporter, session.subscriptions.refused
        accepted = len(session.subscriptions.accepted)
        await reporter.tell(
            self._feed, session.connection, FeedEvent.CONNECTED, f"{accepted} subscriptions"
        )
        if refused:
            await reporter.tell(
                self._feed, session.connection, FeedEvent.REFUSED, describe_refusals(refused)
            )
        await self._close_gap(session.connection, "not connected")

    async def _close_gap(self, connection: str, detail: str) -> None:
        """Say until when frames may be missing, if they may."""
        from_ms, self._covered_until_ms = self._covered_until_ms, None
        if from_ms is not None:
            await self._context.reporter.gap(self._feed, connection, from_ms, detail)

    async def _note_end(self, session: Session, end: SessionEnd, since: float | None) -> None:
        """Record a connection's end; `since` is when it was subscribed, if it was."""
        now = self._clock.monotonic()
        was_stable = since is not None and now - since >= self._timing.stable
        self._failures = 1 if was_stable else self._failures + 1
        if since is not None:
            self._set_connected(connected=False)
            self._covered_until_ms = session.last_sign_ms
        event = FeedEvent.REFUSED if end.is_refused else FeedEvent.LOST
        FEED_CONNECTIONS.labels(self._feed.exchange, self._feed.name, event.value).inc()
        reporter, breaker = self._context.reporter, self._context.breaker
        opened = breaker.fail(
            now, self._failures, at_once=end.is_limited, pause_seconds=end.pause_seconds
        )
        self._show_breaker()
        await reporter.tell(
            self._feed, session.connection, event, end.reason, self._covered_until_ms
        )
        if opened:
            await reporter.tell(
                self._feed,
                session.connection,
                FeedEvent.STORM,
                f"{self._failures} failures in a row, the latest: {end.reason}; "
                f"next attempt in {breaker.wait_seconds(now):.0f} s",
            )

    def _backoff(self) -> float:
        return self._timing.backoff.wait_seconds(
            max(1, self._failures), self._context.random_source
        )

    def _set_connected(self, *, connected: bool) -> None:
        if connected is self._is_connected:
            return
        self._is_connected = connected
        activity = self._context.session.activity.feeds[self._feed.label]
        activity.note_connections(1 if connected else -1, self._clock.monotonic())
        FEED_CONNECTED.labels(self._feed.exchange, self._feed.name).set(activity.connections)

    def _show_breaker(self) -> None:
        show_breaker(FEED_BREAKER, self._context.breaker.state, self._feed.exchange)


async def _end(*tasks: "asyncio.Task[SessionEnd]") -> None:
    """Cancel, and wait until it is done; being cancelled meanwhile is not mistaken for theirs."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
