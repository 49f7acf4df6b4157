"""Whether a consumer group has handled everything that its topics hold."""

import asyncio
import time
from collections.abc import Iterable

from aiokafka import TopicPartition

from runtime.errors import DependencyError
from runtime.kafka import new_consumer, start_consumer
from runtime.settings import Settings

CHECK_SECONDS = 0.2


async def group_lag(settings: Settings, stage: str, topics: Iterable[str]) -> int:
    """Records of the topics that the stage's group has not committed yet."""
    consumer = new_consumer(settings, group_id=settings.group(stage))
    await start_consumer(settings, consumer)
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        committed = {tp: await consumer.committed(tp) or 0 for tp in partitions}
    finally:
        await consumer.stop()
    return sum(max(0, ends[tp] - committed[tp]) for tp in partitions)


async def wait_until_handled(
    settings: Settings, stage: str, topics: Iterable[str], *, limit_seconds: float
) -> None:
    """Wait until the stage's group has committed everything.

    Raises:
        DependencyError: it did not within the limit.
    """
    wanted = tuple(topics)
    deadline = time.monotonic() + limit_seconds
    while (lag := await group_lag(settings, stage, wanted)) > 0:
        if time.monotonic() > deadline:
            raise DependencyError(
                f"{stage} still has {lag} records to handle after {limit_seconds:.0f} s; "
                "see its log under .liq/logs."
            )
        await asyncio.sleep(CHECK_SECONDS)
