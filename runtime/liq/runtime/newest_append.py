"""The append time of the newest record of a partition: the present time of the log."""

import asyncio
from collections.abc import Collection
from typing import Final

from aiokafka import TopicPartition

from liq.runtime.believed_time import append_time_ms
from liq.runtime.kafka import assign_all_from_beginning, new_consumer, start_consumer
from liq.runtime.settings import Settings

#: Read this many of the last offsets: those at the very end may be markers of transactions.
LAST_RECORDS: Final = 100
POLL_MS: Final = 200
WAIT_SECONDS: Final = 5.0


async def newest_append_times(
    settings: Settings, topic: str, partitions: Collection[int]
) -> dict[int, int]:
    """Return the append time (UTC, ms) of the newest record of each partition that has records.

    A partition that is not read to its end within `WAIT_SECONDS` is absent from the result.

    Raises:
        KafkaError: the brokers do not answer.
    """
    places = [TopicPartition(topic, partition) for partition in partitions]
    newest: dict[int, int] = {}
    if not places:
        return newest
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        ends = await assign_all_from_beginning(consumer, places)
        begins = await consumer.beginning_offsets(places)
        behind = {place for place in places if begins[place] < ends[place]}
        for place in behind:
            consumer.seek(place, max(begins[place], ends[place] - LAST_RECORDS))
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while behind:
                    fetched = await consumer.getmany(*behind, timeout_ms=POLL_MS)
                    for place, records in fetched.items():
                        times_ms = [newest.get(place.partition), *map(append_time_ms, records)]
                        known_ms = [time_ms for time_ms in times_ms if time_ms is not None]
                        if known_ms:
                            newest[place.partition] = max(known_ms)
                    behind = {each for each in behind if await consumer.position(each) < ends[each]}
        except TimeoutError:
            for place in behind:
                newest.pop(place.partition, None)
    finally:
        await consumer.stop()
    return newest
