"""Until when frames were received before this process started, read from the raw topics.

Every producer writes a heartbeat a second. The newest one tells until when somebody received; if
that was this producer's own earlier life, or long ago, what came since may be missing.
"""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import DependencyError
from runtime.kafka import new_consumer, start_consumer
from runtime.settings import Settings
from schemas.headers import CONNECTION, HEARTBEAT_KEY, RECEIVED_AT_NS, integer_header, text_header

TAIL_RECORDS: Final = 200
PEER_MS: Final = 3_000
POLL_MS: Final = 200
NANOSECONDS_PER_MS: Final = 1_000_000


async def covered_until_ms(
    settings: Settings, exchanges: tuple[str, ...], slot: str, now_ms: int
) -> dict[str, int]:
    """For each exchange whose frames may be missing: the time up to which they are not.

    An exchange that another live producer receives, or that nobody ever did, is left out.

    Raises:
        DependencyError: Kafka does not answer.
    """
    consumer = new_consumer(settings)
    covered = {}
    try:
        await start_consumer(settings, consumer)
        try:
            for exchange in exchanges:
                latest = await _latest_heartbeats(settings, consumer, exchange)
                others = [ms for name, ms in latest.items() if name != slot]
                if latest and not any(now_ms - ms < PEER_MS for ms in others):
                    covered[exchange] = max(latest.values())
        finally:
            await consumer.stop()
    except KafkaError as error:
        raise DependencyError(
            f"Kafka at {settings.kafka_bootstrap_servers} did not answer as it should "
            f"({error}); check KAFKA_BOOTSTRAP_SERVERS."
        ) from error
    return covered


async def _latest_heartbeats(
    settings: Settings, consumer: AIOKafkaConsumer, exchange: str
) -> dict[str, int]:
    """The newest heartbeat (milliseconds) of each producer, from the ends of the partitions."""
    topic = settings.topics.raw(exchange)
    places = [TopicPartition(topic, number) for number in range(settings.topic_partitions)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    begins = await consumer.beginning_offsets(places)
    unread = {}
    for place, end in ends.items():
        start = max(begins[place], end - TAIL_RECORDS)
        consumer.seek(place, start)
        if end > start:
            unread[place] = end
    latest: dict[str, int] = {}
    while unread:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                time_ns = integer_header(record.headers, RECEIVED_AT_NS)
                if record.key == HEARTBEAT_KEY and record.value is None and time_ns:
                    name = text_header(record.headers, CONNECTION)
                    latest[name] = max(latest.get(name, 0), time_ns // NANOSECONDS_PER_MS)
        for place, end in list(unread.items()):
            if await consumer.position(place) >= end:
                del unread[place]
    return latest
