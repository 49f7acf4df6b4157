"""When a feed may open a connection: the exchange's breaker, and its limits of new connections."""

import asyncio
from typing import Any, Final

from liq.producers.feeds import FeedSpec
from liq.producers.live.context import ConnectionContext
from liq.producers.live.session_end import SessionEnd
from liq.runtime.metrics import FEED_BREAKER, FEED_HELD
from liq.runtime.retry import show_breaker

POLL_SECONDS: Final = 0.5


class Admission:
    """The admission of a feed's connections by what all connections to its exchange share."""

    def __init__(self, feed: FeedSpec, context: ConnectionContext) -> None:
        self._feed = feed
        self._breaker = context.breaker
        self._budget = context.connections
        self._clock = context.session.clock

    async def wait_for_breaker(self) -> None:
        """Wait until the breaker admits an attempt."""
        while (wait := self._breaker.wait_seconds(self._clock.monotonic())) > 0:  # noqa: ASYNC110 - time opens it too
            await asyncio.sleep(min(wait, POLL_SECONDS))
        self._show_breaker()

    async def wait_for_room(self) -> None:
        """Wait until the venue's limit of new connections a minute admits one, and count it."""
        if not self._budget.admits_connection(self._clock.monotonic()):
            FEED_HELD.labels(self._feed.exchange, "connections").inc()
            while not self._budget.admits_connection(self._clock.monotonic()):  # noqa: ASYNC110 - time admits it
                await asyncio.sleep(POLL_SECONDS)
        self._budget.note_connection(self._clock.monotonic())

    async def wait_for_turn(self, old: "asyncio.Task[Any]") -> bool:
        """Wait for the venue's one replacement at a time; False if the old connection ended."""
        while not old.done():
            if self._budget.take_replacement():
                return True
            await asyncio.wait({old}, timeout=POLL_SECONDS)
        return False

    def end_turn(self) -> None:
        """End the replacement for which `wait_for_turn` returned True."""
        self._budget.end_replacement()

    def succeed(self) -> None:
        """Close the breaker after a subscription."""
        self._breaker.close()
        self._show_breaker()

    def fail(self, end: SessionEnd, *, failures: int) -> float | None:
        """Count the latest of `failures` in a row.

        Returns:
            The seconds until the next attempt if this failure opened the breaker, else None.
        """
        now = self._clock.monotonic()
        has_opened = self._breaker.fail(
            now, failures, at_once=end.is_limited, pause_seconds=end.pause_seconds
        )
        self._show_breaker()
        return self._breaker.wait_seconds(now) if has_opened else None

    def _show_breaker(self) -> None:
        show_breaker(FEED_BREAKER, self._breaker.state, self._feed.service)
