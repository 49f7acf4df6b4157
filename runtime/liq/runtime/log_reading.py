"""Reading partitions from where they are to an end that was asked for, within a bound."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

POLL_MS: Final = 500
#: A reader gives up after so long without a record or a step forward.
MAX_STALL_SECONDS: Final = 60.0


async def read_to_ends(
    consumer: AIOKafkaConsumer,
    ends: Mapping[TopicPartition, int],
    *,
    max_stall_seconds: float = MAX_STALL_SECONDS,
) -> AsyncIterator[Any]:
    """Yield the records of assigned partitions before their ends, each partition in its order.

    The position decides, not the last record: a log may end in the markers of transactions, or in
    records that were aborted. A log that is made again or truncated meanwhile may never reach the
    end, hence the bound.

    Raises:
        KafkaTimeoutError: nothing moved for `max_stall_seconds`.
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
                if record.offset < ends[place]:
                    yield record
