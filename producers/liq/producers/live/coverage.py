"""Until when frames were received before this process started, read from Kafka.

Every producer writes a heartbeat a second into the raw topics. The newest one tells until when
somebody lived; if that was this producer's own earlier life, or long ago, what came since may be
missing, and what had been missing already when it died.
"""

from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from liq.producers.feeds.feed import Feed
from liq.producers.live.open_outages import newest_records, open_outages
from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.settings import Settings
from liq.schemas.headers import (
    CONNECTION,
    HEARTBEAT_KEY,
    RECEIVED_AT_NS,
    integer_header,
    text_header,
)
from liq.schemas.units import MILLISECOND_NS

FIRST_TAIL_RECORDS: Final = 200
TAIL_GROWTH: Final = 10
PEER_MS: Final = 3_000
POLL_MS: Final = 200


async def covered_until_ms(
    settings: Settings, feeds: Collection[Feed], slot: str, now_ms: int
) -> dict[str, int]:
    """By label, for each feed whose frames may be missing: the time up to which they are not.

    What another live producer receives, or nobody ever did, is left out.

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
                place = _heartbeat_place(settings, exchange)
                latest = await _latest_heartbeats(consumer, place, now_ms - PEER_MS)
                others = [ms for name, ms in latest.items() if name != slot]
                if not latest or any(now_ms - ms < PEER_MS for ms in others):
                    continue
                last = max(latest, key=lambda name: latest[name])
                records = await newest_records(settings, consumer, exchange)
                down = open_outages(records, exchange, last)
                for feed in feeds:
                    if feed.exchange == exchange:
                        covered[feed.label] = min(latest[last], down.get(feed.name, latest[last]))
        finally:
            await consumer.stop()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error
    return covered


def _heartbeat_place(settings: Settings, exchange: str) -> TopicPartition:
    numbers = list(range(settings.topic_partitions))
    number = DefaultPartitioner()(HEARTBEAT_KEY, numbers, numbers)
    return TopicPartition(settings.topics.raw(exchange), number)


async def _latest_heartbeats(
    consumer: AIOKafkaConsumer, place: TopicPartition, since_ms: int
) -> dict[str, int]:
    """The newest heartbeat (milliseconds) of each producer near the end of a partition.

    Frames lie between heartbeats, so it looks further and further back: until it has found one,
    and has seen everything since `since_ms`.
    """
    consumer.assign([place])
    [end] = (await consumer.end_offsets([place])).values()
    [begin] = (await consumer.beginning_offsets([place])).values()
    tail = FIRST_TAIL_RECORDS
    while True:
        start = max(begin, end - tail)
        latest, earliest_ms = await _read(consumer, place, start, end)
        if start == begin or (latest and earliest_ms <= since_ms):
            return latest
        tail *= TAIL_GROWTH


async def _read(
    consumer: AIOKafkaConsumer, place: TopicPartition, start: int, end: int
) -> tuple[dict[str, int], int]:
    """The newest heartbeat of each producer in some offsets, and the earliest time of any record.

    A time that is missing counts as the earliest possible.
    """
    consumer.seek(place, start)
    latest: dict[str, int] = {}
    times = []
    while await consumer.position(place) < end:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                time_ms = (integer_header(record.headers, RECEIVED_AT_NS) or 0) // MILLISECOND_NS
                times.append(time_ms)
                if record.key == HEARTBEAT_KEY and record.value is None:
                    name = text_header(record.headers, CONNECTION)
                    latest[name] = max(latest.get(name, 0), time_ms)
    return latest, min(times, default=0)
