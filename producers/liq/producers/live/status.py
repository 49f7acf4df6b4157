"""Reports of connection events: each is a record on `liquidations.feeds`, a metric, a log line."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Final, Protocol

from liq.producers.live.clock import Clock, now_ms
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_EVENTS
from liq.runtime.redaction import without_logins
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

MAX_DETAIL_CHARACTERS: Final = 500
MAX_NAMES_CHARACTERS: Final = 360
log = get_logger(__name__)


class NamedFeed(Protocol):
    """The names of a feed, for reports."""

    @property
    def exchange(self) -> str:
        """The exchange's name."""

    @property
    def name(self) -> str:
        """The feed's name among those of its exchange."""


def list_names(names: Collection[str], characters: int = MAX_NAMES_CHARACTERS) -> str:
    """Return names separated by commas, as many as fit, and how many more there are."""
    shown: list[str] = []
    length = 0
    for name in names:
        length += len(name) + 2
        if shown and length > characters:
            return f"{', '.join(shown)} and {len(names) - len(shown)} more"
        shown.append(name)
    return ", ".join(shown)


class Twins(Protocol):
    """Other producers of the same shard."""

    async def covering(self, feed: NamedFeed, from_ms: int, to_ms: int) -> str:
        """Return the name of a twin that received a feed throughout a time (ms), or ""."""


class FeedReporter:
    """Reporter of connection events; `publish` sends the record.

    Where a twin received the feed throughout an outage, the record is `connected` instead of
    `gap`, with the outage's times and the twin's name.
    """

    def __init__(
        self,
        publish: Callable[[FeedStatus], Awaitable[None]],
        clock: Clock,
        twins: Twins | None = None,
    ) -> None:
        self._publish = publish
        self._clock = clock
        self._twins = twins

    async def tell(
        self,
        feed: NamedFeed,
        connection: str,
        event: FeedEvent,
        detail: str = "",
        from_ms: int | None = None,
    ) -> None:
        """Report an event other than a gap; `from_ms` is the start of an outage, if any."""
        await self._tell(
            FeedStatus(
                exchange=feed.exchange,
                feed=feed.name,
                connection=connection,
                event=event,
                timestamp_ms=now_ms(self._clock),
                detail=without_logins(detail)[:MAX_DETAIL_CHARACTERS],
                from_ms=from_ms,
            )
        )

    async def gap(  # noqa: PLR0913 - what a gap consists of
        self,
        feed: NamedFeed,
        connection: str,
        from_ms: int,
        detail: str,
        to_ms: int | None = None,
        *,
        may_be_covered: bool = False,
    ) -> None:
        """Report that frames may be missing from a time until another (UTC, ms), or until now."""
        now = now_ms(self._clock)
        until_ms = max(from_ms, now if to_ms is None else to_ms)
        record = FeedStatus(
            exchange=feed.exchange,
            feed=feed.name,
            connection=connection,
            event=FeedEvent.GAP,
            timestamp_ms=max(from_ms, now),
            detail=without_logins(detail)[:MAX_DETAIL_CHARACTERS],
            from_ms=from_ms,
            to_ms=until_ms,
        )
        if may_be_covered and self._twins is not None:
            try:
                twin = await self._twins.covering(feed, from_ms, until_ms)
            except asyncio.CancelledError:
                await self._tell(record)
                raise
            if twin:
                detail = f"no gap: {twin} received the feed meanwhile"
                record = replace(record, event=FeedEvent.CONNECTED, detail=detail)
        await self._tell(record)

    async def _tell(self, record: FeedStatus) -> None:
        FEED_EVENTS.labels(record.exchange, record.feed, record.event.value).inc()
        write = log.info if record.event is FeedEvent.CONNECTED else log.warning
        write(
            f"feed_{record.event.value}",
            exchange=record.exchange,
            feed=record.feed,
            connection=record.connection,
            detail=record.detail,
            from_ms=record.from_ms,
            to_ms=record.to_ms,
        )
        await self._publish(record)
