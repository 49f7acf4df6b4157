"""Search for a twin that received a feed while this producer did not: then there is no gap.

A twin is another producer of the same shard (`liq.producers.feeds.shards`). Its heartbeats show
that it ran and which feeds it received nothing of; its feed records show which of its connections
were down. Both are read from Kafka only after a connection is back.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from aiokafka.errors import KafkaError

from liq.producers.live.coverage import (
    PEER_MS,
    assign,
    heartbeat_partition,
    is_twin,
    newest_statuses,
    open_outages,
    records_between,
)
from liq.producers.live.status import NamedFeed
from liq.runtime.kafka import new_consumer, start_consumer, stop_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.record_time import received_at_ns
from liq.runtime.settings import Settings
from liq.schemas.headers import CONNECTION, EVERY_FEED, HEARTBEAT_KEY, blind_header, text_header
from liq.schemas.records import FeedStatus
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import FeedEvent

#: How long to wait for a twin's heartbeat from after the outage.
WAIT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.5
KAFKA_SECONDS: Final = 10.0
#: An outage of more records is a gap at once, as reading all of them would take too long.
MOST_RECORDS: Final = 50_000
AWAY: Final = frozenset(
    {FeedEvent.LOST, FeedEvent.REFUSED, FeedEvent.STALE, FeedEvent.STORM, FeedEvent.MOVED}
)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """A producer's heartbeat: its time (ms), and the feeds that received nothing."""

    time_ms: int
    blind: tuple[str, ...] = ()


Beats = Mapping[str, Sequence[Beat]]


class TwinWatch:
    """Reader of twins' heartbeats and feed records in Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slot = settings.worker_slot

    async def covering(self, feed: NamedFeed, from_ms: int, to_ms: int) -> str:
        """Return the name of a twin that received a feed throughout a time (ms), or "".

        A failure of Kafka is counted and logged, and gives "".
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS + KAFKA_SECONDS):
                return await self._look(feed, from_ms, to_ms)
        except (KafkaError, OSError, TimeoutError) as error:
            ERRORS.labels("twins").inc()
            log.warning("twins_unseen", error=str(error) or type(error).__name__)
            return ""

    async def _look(self, feed: NamedFeed, from_ms: int, to_ms: int) -> str:
        consumer = new_consumer(self._settings)
        try:
            await start_consumer(self._settings, consumer)
            partition = heartbeat_partition(self._settings, feed.exchange)
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                begin, end = await assign(consumer, partition)
                since_ms = from_ms - PEER_MS
                at = (await consumer.offsets_for_times({partition: since_ms}))[partition]
                start = end if at is None else max(begin, at.offset)
                if end - start > MOST_RECORDS:
                    return ""
                beats: dict[str, list[Beat]] = defaultdict(list)
                async for record in records_between(consumer, partition, start, end):
                    name = text_header(record.headers, CONNECTION)
                    if record.key == HEARTBEAT_KEY and is_twin(name, self._slot):
                        time_ms = received_at_ns(record) // MILLISECOND_NS
                        beats[name].append(Beat(time_ms, blind_header(record.headers)))
                newest = [found[-1].time_ms for found in beats.values()]
                if any(each >= to_ms for each in newest) or time.monotonic() > deadline:
                    statuses = await newest_statuses(self._settings, consumer, feed.exchange)
                    return covering_twin(beats, statuses, feed, from_ms, to_ms)
                if not any(each >= to_ms - PEER_MS for each in newest):
                    return ""
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await stop_consumer(consumer)


def covering_twin(
    beats: Beats, statuses: Sequence[FeedStatus], feed: NamedFeed, from_ms: int, to_ms: int
) -> str:
    """Return the first producer whose heartbeats and feed records show no interruption, or ""."""
    for name in sorted(beats):
        found = sorted(beats[name], key=lambda beat: beat.time_ms)
        if _beat_throughout(found, feed.name, from_ms, to_ms) and not _was_away(
            statuses, feed, name, from_ms, to_ms
        ):
            return name
    return ""


def _beat_throughout(found: Sequence[Beat], feed: str, from_ms: int, to_ms: int) -> bool:
    before = [beat for beat in found if beat.time_ms <= from_ms][-1:]
    after = [beat for beat in found if beat.time_ms >= to_ms][:1]
    inside = [beat for beat in found if from_ms < beat.time_ms < to_ms]
    run = [*before, *inside, *after]
    return (
        bool(before and after)
        and all(b.time_ms - a.time_ms <= PEER_MS for a, b in pairwise(run))
        and not any({feed, EVERY_FEED} & set(beat.blind) for beat in run)
    )


def _was_away(
    statuses: Sequence[FeedStatus], feed: NamedFeed, name: str, from_ms: int, to_ms: int
) -> bool:
    """Return whether a producer's records have a connection of the feed down in this time."""
    own = [
        status
        for status in statuses
        if status.exchange == feed.exchange
        and status.feed == feed.name
        and status.connection.startswith(f"{name}:")
    ]
    earlier = [status for status in own if status.timestamp_ms < from_ms]
    if feed.name in open_outages(earlier, feed.exchange, name):
        return True
    return any(
        (status.event in AWAY or status.event is FeedEvent.GAP)
        and (status.timestamp_ms if status.from_ms is None else status.from_ms) <= to_ms
        and status.timestamp_ms >= from_ms
        for status in own
    )
