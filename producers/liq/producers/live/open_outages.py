"""Outages that a producer wrote of and nobody has ended, read from the newest feed records.

A producer whose connection is down goes on writing heartbeats, for it lives. If it is killed then,
only its records of the loss tell since when frames are missing.
"""

from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

# A connection that is down writes a record at every attempt, five minutes apart at most.
TAIL_RECORDS: Final = 2_000
POLL_MS: Final = 200


def open_outages(records: Iterable[FeedStatus], exchange: str, slot: str) -> dict[str, int]:
    """Since when (milliseconds) each feed of an exchange is down, by a slot's own records.

    A gap ends what began in it; of a connection that is still down another record follows.
    """
    down: dict[str, set[int]] = {}
    for record in records:
        if record.exchange != exchange or record.from_ms is None:
            continue
        since = down.setdefault(record.feed, set())
        if record.event is FeedEvent.GAP:
            down[record.feed] = {from_ms for from_ms in since if from_ms < record.from_ms}
        elif record.connection.startswith(f"{slot}:"):
            since.add(record.from_ms)
    return {feed: min(since) for feed, since in down.items() if since}


async def newest_records(
    settings: Settings, consumer: AIOKafkaConsumer, exchange: str
) -> list[FeedStatus]:
    """The newest feed records of an exchange, oldest first, by a consumer that is started."""
    topic = settings.topics.feeds
    numbers = [place.partition for place in await find_partitions(settings, [topic])]
    place = TopicPartition(topic, DefaultPartitioner()(exchange.encode(), numbers, numbers))
    consumer.assign([place])
    [end] = (await consumer.end_offsets([place])).values()
    [begin] = (await consumer.beginning_offsets([place])).values()
    consumer.seek(place, max(begin, end - TAIL_RECORDS))
    found: list[FeedStatus] = []
    while await consumer.position(place) < end:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            found += [status for record in records if (status := _status(record.value))]
    return found


def _status(value: bytes) -> FeedStatus | None:
    """What another producer wrote; None where it was something else's."""
    try:
        return decode(FeedStatus, value)
    except DecodeError:
        return None
