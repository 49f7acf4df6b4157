"""Reading partitions from their positions to given end offsets, within a bound of time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

POLL_MS: Final = 500
#: A reader fails after this long without progress of any position.
MAX_STALL_SECONDS: Final = 60.0


async def read_to_ends(
    consumer: AIOKafkaConsumer,
    ends: Mapping[TopicPartition, int],
    *,
    max_stall_seconds: float = MAX_STALL_SECONDS,
) -> AsyncIterator[Any]:
    """Yield the records of assigned partitions before their ends, each partition in its order.

    Records at or beyond an end stay unread: the consumer's position is the end. Reading stops by
    position, not by the last record, because a log may end in markers of transactions or in aborted
    records. A log that is created again or truncated meanwhile may never reach its end, hence the
    bound.

    Raises:
        KafkaTimeoutError: no position moved for `max_stall_seconds`.
        KafkaError: the brokers do not answer.
    """
    now = asyncio.get_running_loop().time
    moved_at = now()
    positions: dict[TopicPartition, int] = {}
    while True:
        reached = {place: await consumer.position(place) for place in ends}
        if reached != positions:
            positions, moved_at = reached, now()
        behind = [place for place, end in ends.items() if positions[place] < end]
        if not behind:
            return
        if now() - moved_at > max_stall_seconds:
            stuck = ", ".join(f"{place.topic}-{place.partition}" for place in behind)
            raise KafkaTimeoutError(f"no step forward in {max_stall_seconds:g} s in {stuck}")
        for place, records in (await consumer.getmany(*behind, timeout_ms=POLL_MS)).items():
            for record in records:
                if record.offset >= ends[place]:
                    consumer.seek(place, record.offset)
                    break
                yield record
