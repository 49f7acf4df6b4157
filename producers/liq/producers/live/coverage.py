"""The time up to which each feed was received before this process started, read from Kafka.

Every producer writes a heartbeat a second into the raw topics. The newest heartbeat is the last
time at which a producer ran. If that producer was this one, or ran long ago, frames since then may
be missing.

A producer whose connection is down goes on writing heartbeats. If it is killed then, only its feed
records of the loss say since when frames are missing: an outage without a gap record is open.
"""

from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.producers.feeds import FeedSpec
from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import find_partitions
from liq.runtime.record_time import received_at_ns
from liq.runtime.sending import partition_of
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.headers import (
    CONNECTION,
    HEARTBEAT_KEY,
    text_header,
)
from liq.schemas.records import FeedStatus
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import FeedEvent

FIRST_TAIL_RECORDS: Final = 200
TAIL_GROWTH: Final = 10
# A connection that is down writes a record at every attempt, five minutes apart at most.
STATUS_TAIL_RECORDS: Final = 2_000
PEER_MS: Final = 3_000


async def covered_until_ms(
    settings: Settings, feeds: Collection[FeedSpec], slot: str, now_ms: int
) -> dict[str, int]:
    """Map each feed label to the last time data was known to arrive; its gap starts there.

    Leave out feeds that another live producer receives, and feeds that no producer ever received.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: Kafka does not answer.
    """
    consumer = new_consumer(settings)
    covered = {}
    try:
        try:
            await start_consumer(settings, consumer)
            for exchange in dict.fromkeys(feed.exchange for feed in feeds):
                partition = _heartbeat_partition(settings, exchange)
                latest = await _latest_heartbeats(consumer, partition, now_ms - PEER_MS)
                others = [ms for name, ms in latest.items() if name != slot]
                if not latest or any(now_ms - ms < PEER_MS for ms in others):
                    continue
                last = max(latest, key=lambda name: latest[name])
                statuses = await _newest_statuses(settings, consumer, exchange)
                down = open_outages(statuses, exchange, last)
                for feed in feeds:
                    if feed.exchange == exchange:
                        covered[feed.label] = min(latest[last], down.get(feed.name, latest[last]))
        finally:
            await consumer.stop()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error
    return covered


def open_outages(statuses: Iterable[FeedStatus], exchange: str, slot: str) -> dict[str, int]:
    """Map each feed of an exchange that a slot reported as down to the outage's start (ms).

    A gap record ends the outages that began in it; a connection that is still down reports again.
    A feed of which a normalizer reads nothing is received all the same.
    """
    down: dict[str, set[int]] = {}
    for status in statuses:
        if status.exchange != exchange or status.from_ms is None:
            continue
        if status.event is FeedEvent.UNREAD:
            continue
        since = down.setdefault(status.feed, set())
        if status.event is FeedEvent.GAP:
            down[status.feed] = {from_ms for from_ms in since if from_ms < status.from_ms}
        elif status.connection.startswith(f"{slot}:"):
            since.add(status.from_ms)
    return {feed: min(since) for feed, since in down.items() if since}


def _heartbeat_partition(settings: Settings, exchange: str) -> TopicPartition:
    numbers = list(range(settings.topic_partitions))
    number = partition_of(HEARTBEAT_KEY, numbers)
    return TopicPartition(settings.topics.raw(exchange), number)


async def _latest_heartbeats(
    consumer: AIOKafkaConsumer, partition: TopicPartition, since_ms: int
) -> dict[str, int]:
    """Return the newest heartbeat (ms) of each producer near the end of a partition.

    Frames lie between heartbeats, so the search extends backwards until it has found a heartbeat
    and has read everything since `since_ms`.
    """
    begin, end = await _assign(consumer, partition)
    tail = FIRST_TAIL_RECORDS
    while True:
        start = max(begin, end - tail)
        latest, earliest_ms = await _read_heartbeats(consumer, partition, start, end)
        if start == begin or (latest and earliest_ms <= since_ms):
            return latest
        tail *= TAIL_GROWTH


async def _read_heartbeats(
    consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> tuple[dict[str, int], int]:
    """Return each producer's newest heartbeat in some offsets, and any record's earliest time."""
    latest: dict[str, int] = {}
    times = []
    async for record in _records(consumer, partition, start, end):
        time_ms = received_at_ns(record) // MILLISECOND_NS
        times.append(time_ms)
        if record.key == HEARTBEAT_KEY and record.value is None:
            name = text_header(record.headers, CONNECTION)
            latest[name] = max(latest.get(name, 0), time_ms)
    return latest, min(times, default=0)


async def _newest_statuses(
    settings: Settings, consumer: AIOKafkaConsumer, exchange: str
) -> list[FeedStatus]:
    """Return the newest feed records of an exchange, oldest first."""
    topic = settings.topics.feeds
    numbers = [found.partition for found in await find_partitions(settings, [topic])]
    partition = TopicPartition(topic, partition_of(exchange.encode(), numbers))
    begin, end = await _assign(consumer, partition)
    start = max(begin, end - STATUS_TAIL_RECORDS)
    return [
        status
        async for record in _records(consumer, partition, start, end)
        if (status := _decode_status(record.value))
    ]


async def _assign(consumer: AIOKafkaConsumer, partition: TopicPartition) -> tuple[int, int]:
    """Assign a partition and return its first offset and its end."""
    consumer.assign([partition])
    [end] = (await consumer.end_offsets([partition])).values()
    [begin] = (await consumer.beginning_offsets([partition])).values()
    return begin, end


async def _records(
    consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> AsyncIterator[Any]:
    """Yield the records of an assigned partition, from one offset until `end` is reached."""
    consumer.seek(partition, start)
    async for record in read_to_ends(consumer, {partition: end}):
        yield record


def _decode_status(value: bytes) -> FeedStatus | None:
    """Return a feed record, or None for a value that is not one."""
    try:
        return decode(FeedStatus, value)
    except DecodeError:
        return None
