"""Coverage: until when earlier processes received each feed, read from Kafka.

Every producer sends a heartbeat a second to the raw topics. The newest heartbeat is the last time
at which a producer ran. If that producer was this one, or ran long ago, frames since then may be
missing.

A producer whose connection is down continues its heartbeats. If it is killed then, only its feed
records of the loss have the outage's start: an outage without a gap record is open.

A producer that reads files sends its cursor with frames and heartbeats, all in one partition.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.producers.feeds import FeedSpec
from liq.producers.feeds.shards import producer_shard
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
    CURSOR,
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
#: Events that end an outage; `connected` has times only if a twin received the feed meanwhile.
OVER: Final = frozenset({FeedEvent.GAP, FeedEvent.CONNECTED})


async def covered_until_ms(
    settings: Settings, feeds: Collection[FeedSpec], slot: str, now_ms: int
) -> dict[str, int]:
    """Map each feed label to the last time data was known to arrive; its gap starts there.

    Leave out feeds that another live producer of the same shard receives, and feeds that no
    producer ever received.

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
                partition = heartbeat_partition(settings, exchange)
                latest = await _latest_heartbeats(
                    consumer, partition, slot, since_ms=now_ms - PEER_MS
                )
                others = [ms for name, ms in latest.items() if is_twin(name, slot)]
                if any(now_ms - ms < PEER_MS for ms in others):
                    continue
                last = last_of_shard(latest, slot)
                if last is None:
                    continue
                statuses = await newest_statuses(settings, consumer, exchange)
                down = open_outages(statuses, exchange, last)
                for feed in feeds:
                    if feed.exchange == exchange:
                        covered[feed.label] = min(latest[last], down.get(feed.name, latest[last]))
        finally:
            await consumer.stop()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error
    return covered


def is_twin(name: str, slot: str) -> bool:
    """Return whether another producer subscribes to what the producer of a slot does."""
    return name != slot and producer_shard(name) == producer_shard(slot)


def last_of_shard(latest: Mapping[str, int], slot: str) -> str | None:
    """Return the last producer of a slot's shard, given each producer's newest heartbeat (ms).

    Where only producers of another number of shards ran, each may have received a part of the
    shard. The one that ended first is returned, so the gap may begin too early.
    """
    shard = producer_shard(slot)
    same = [name for name in latest if producer_shard(name) == shard]
    if same:
        return max(same, key=lambda name: latest[name])
    former = [name for name in latest if producer_shard(name).count != shard.count]
    return min(former, key=lambda name: latest[name], default=None)


class Cursors(NamedTuple):
    """A producer's own cursors in the heartbeats' partition, oldest first, and others' newest."""

    own: list[str]
    others: list[str]


async def newest_cursors(settings: Settings, exchange: str, slot: str) -> Cursors:
    """Return a producer's newest cursors, and the newest cursor of any other producer.

    They include one of the producer's heartbeats, which covers all files, if the log has one.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: Kafka does not answer.
    """
    consumer = new_consumer(settings)
    partition = heartbeat_partition(settings, exchange)
    try:
        try:
            await start_consumer(settings, consumer)
            begin, end = await assign(consumer, partition)
            tail = FIRST_TAIL_RECORDS
            while True:
                start = max(begin, end - tail)
                cursors, is_whole = Cursors([], []), start == begin
                async for record in records_between(consumer, partition, start, end):
                    cursor = text_header(record.headers, CURSOR)
                    if cursor and _is_of(record, slot):
                        cursors.own.append(cursor)
                        is_whole = is_whole or record.value is None
                    elif cursor:
                        cursors.others[:] = [cursor]
                if is_whole:
                    return cursors
                tail *= TAIL_GROWTH
        finally:
            await consumer.stop()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error


def _is_of(record: Any, slot: str) -> bool:
    name = text_header(record.headers, CONNECTION)
    return name == slot or name.startswith(f"{slot}:")


def open_outages(statuses: Iterable[FeedStatus], exchange: str, slot: str) -> dict[str, int]:
    """Map each feed of an exchange that a slot reported as down to the outage's start (ms).

    A gap record ends the outages that began before it or in it, and so does a `connected` record
    with a twin's name; a connection that is still down reports again. Records of unread feeds and
    of repairs are ignored: an unread feed is received, and a repair ends long after its gap.
    """
    down: dict[str, set[int]] = {}
    for status in statuses:
        if status.exchange != exchange or status.from_ms is None:
            continue
        if status.event is FeedEvent.UNREAD or status.event.ends_repair:
            continue
        since = down.setdefault(status.feed, set())
        if status.event in OVER:
            down[status.feed] = {from_ms for from_ms in since if from_ms < status.from_ms}
        elif status.connection.startswith(f"{slot}:"):
            since.add(status.from_ms)
    return {feed: min(since) for feed, since in down.items() if since}


def heartbeat_partition(settings: Settings, exchange: str) -> TopicPartition:
    """Return the partition of the heartbeats of an exchange's producers."""
    numbers = list(range(settings.topic_partitions))
    number = partition_of(HEARTBEAT_KEY, numbers)
    return TopicPartition(settings.topics.raw(exchange), number)


async def _latest_heartbeats(
    consumer: AIOKafkaConsumer, partition: TopicPartition, slot: str, *, since_ms: int
) -> dict[str, int]:
    """Return the newest heartbeat (ms) of each producer near the end of a partition.

    Frames and other shards' heartbeats lie between. The search extends backwards until it finds a
    heartbeat of the slot's shard and has read every record since `since_ms`.
    """
    begin, end = await assign(consumer, partition)
    tail = FIRST_TAIL_RECORDS
    while True:
        start = max(begin, end - tail)
        latest, earliest_ms = await _read_heartbeats(consumer, partition, start, end)
        is_found = last_of_shard(latest, slot) is not None
        if start == begin or (is_found and earliest_ms <= since_ms):
            return latest
        tail *= TAIL_GROWTH


async def _read_heartbeats(
    consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> tuple[dict[str, int], int]:
    """Return each producer's newest heartbeat and the earliest time of any record (ms)."""
    latest: dict[str, int] = {}
    times = []
    async for record in records_between(consumer, partition, start, end):
        time_ms = received_at_ns(record) // MILLISECOND_NS
        times.append(time_ms)
        if record.key == HEARTBEAT_KEY and record.value is None:
            name = text_header(record.headers, CONNECTION)
            latest[name] = max(latest.get(name, 0), time_ms)
    return latest, min(times, default=0)


async def newest_statuses(
    settings: Settings, consumer: AIOKafkaConsumer, exchange: str
) -> list[FeedStatus]:
    """Return the newest feed records of an exchange, oldest first."""
    topic = settings.topics.feeds
    numbers = [found.partition for found in await find_partitions(settings, [topic])]
    partition = TopicPartition(topic, partition_of(exchange.encode(), numbers))
    begin, end = await assign(consumer, partition)
    start = max(begin, end - STATUS_TAIL_RECORDS)
    return [
        status
        async for record in records_between(consumer, partition, start, end)
        if (status := _decode_status(record.value))
    ]


async def assign(consumer: AIOKafkaConsumer, partition: TopicPartition) -> tuple[int, int]:
    """Assign a partition and return its first offset and its end."""
    consumer.assign([partition])
    [end] = (await consumer.end_offsets([partition])).values()
    [begin] = (await consumer.beginning_offsets([partition])).values()
    return begin, end


async def records_between(
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
