"""Reports of connection events: a record on `liquidations.feeds`, a metric and a log line each."""

from collections.abc import Awaitable, Callable, Collection
from typing import Final

from liq.producers.feeds import FeedSpec
from liq.producers.live.clock import Clock, now_ms
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_EVENTS
from liq.runtime.redaction import without_logins
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

MAX_DETAIL_CHARACTERS: Final = 500
MAX_NAMES_CHARACTERS: Final = 360
log = get_logger(__name__)


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


class FeedReporter:
    """Tells everyone; `publish` sends the record."""

    def __init__(self, publish: Callable[[FeedStatus], Awaitable[None]], clock: Clock) -> None:
        self._publish = publish
        self._clock = clock

    async def tell(
        self,
        feed: FeedSpec,
        connection: str,
        event: FeedEvent,
        detail: str = "",
        from_ms: int | None = None,
    ) -> None:
        """Something other than a gap; `from_ms` is since when nothing is received, if so."""
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

    async def gap(self, feed: FeedSpec, connection: str, from_ms: int, detail: str) -> None:
        """Frames may be missing from a time until now."""
        until_ms = max(from_ms, now_ms(self._clock))
        await self._tell(
            FeedStatus(
                exchange=feed.exchange,
                feed=feed.name,
                connection=connection,
                event=FeedEvent.GAP,
                timestamp_ms=until_ms,
                detail=without_logins(detail)[:MAX_DETAIL_CHARACTERS],
                from_ms=from_ms,
                to_ms=until_ms,
            )
        )

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
