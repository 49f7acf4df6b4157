"""A watch for frames of other exchanges in Kafka, which other processes publish.

A process with one exchange has no other feed to compare its silence with. Every producer also
writes a heartbeat a second, so only frames prove that an exchange publishes. All heartbeats of a
raw topic have one partition: a rising end of any other partition is a frame. If no other partition
has risen, the watch reads the newest records of the heartbeats' partition, at most 200 per topic.
Otherwise, a check costs the list of topics and one request for end offsets.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from liq.runtime.kafka import new_admin, new_consumer, start_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.partitions import list_partitions
from liq.runtime.sending import partition_of
from liq.runtime.settings import Settings
from liq.schemas.headers import HEARTBEAT_KEY

CLIENT_ID: Final = "peers"
KAFKA_SECONDS: Final = 20.0
MOST_RECORDS: Final = 200
POLL_MS: Final = 200

log = get_logger(__name__)
Ends = dict[TopicPartition, int]


class PeerWatch:
    """A watch for frames of the exchanges that this process does not receive."""

    def __init__(
        self, settings: Settings, exchanges: Collection[str], others: Collection[str]
    ) -> None:
        self._settings = settings
        self._topics = [settings.topics.raw(name) for name in others if name not in exchanges]
        self._former: Ends = {}

    async def run(self, note_others: Callable[[], None], look_seconds: float) -> None:
        """Call `note_others` at each check that finds new frames, until cancelled.

        Failures of Kafka are counted and logged; the next check retries.
        """
        while True:
            consumer = new_consumer(self._settings)
            admin = new_admin(self._settings, CLIENT_ID)
            try:
                async with asyncio.timeout(KAFKA_SECONDS):
                    await start_consumer(self._settings, consumer)
                    await admin.start()
                while True:
                    async with asyncio.timeout(KAFKA_SECONDS):
                        if await self._has_frames(consumer, admin):
                            note_others()
                    await asyncio.sleep(look_seconds)
            except (KafkaError, OSError, TimeoutError) as error:
                ERRORS.labels("peers").inc()
                log.warning("peers_unseen", error=str(error) or type(error).__name__)
            finally:
                await consumer.stop()
                await admin.close()
            await asyncio.sleep(look_seconds)

    async def _has_frames(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> bool:
        """Return whether a frame of another exchange has arrived since the previous check."""
        partitions = await list_partitions(admin, self._topics)
        ends: Ends = await consumer.end_offsets(partitions) if partitions else {}
        former, self._former = self._former, ends
        counts = Counter(partition.topic for partition in partitions)
        risen = [each for each, end in ends.items() if end > former.get(each, end)]
        mixed = [each for each in risen if _has_heartbeats(each, counts[each.topic])]
        if len(risen) > len(mixed):
            return True
        for partition in mixed:
            end = ends[partition]
            start = max(former[partition], end - MOST_RECORDS)
            if await _holds_a_frame(consumer, partition, start, end):
                return True
        return False


def _has_heartbeats(partition: TopicPartition, count: int) -> bool:
    """Return whether a partition is the one of its topic's heartbeats."""
    chosen: int = partition_of(HEARTBEAT_KEY, list(range(count)))
    return bool(partition.partition == chosen)


async def _holds_a_frame(
    consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> bool:
    consumer.assign([partition])
    consumer.seek(partition, start)
    try:
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                if any(record.value is not None for record in records):
                    return True
    finally:
        # Otherwise the consumer would continue to fetch records.
        consumer.unsubscribe()
    return False
