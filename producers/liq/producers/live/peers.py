"""Whether other exchanges publish, by other processes: seen in Kafka, not in this process alone.

A process that serves one exchange has nobody to compare its silence with. Every producer writes a
heartbeat a second, data or not, so only frames prove something. Heartbeats share one partition of
a raw topic: a rise of any other partition's end is a frame. Where no other rose, the newest records
beside the heartbeats are read, 200 a topic at most. A look costs the list of topics and one request
for the ends besides.
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
    """Looks for frames of all exchanges but some."""

    def __init__(
        self, settings: Settings, exchanges: Collection[str], others: Collection[str]
    ) -> None:
        self._settings = settings
        self._topics = [settings.topics.raw(name) for name in others if name not in exchanges]
        self._former: Ends = {}

    async def run(self, note_others: Callable[[], None], look_seconds: float) -> None:
        """Call `note_others` whenever frames arrived since the latest look, until cancelled.

        Kafka's failures are counted and logged; the next look tries again.
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
        """Return whether a frame of another exchange arrived since the look before."""
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
    """Return whether heartbeats go into this one of a topic's partitions."""
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
        # Otherwise the consumer goes on fetching what nobody reads.
        consumer.unsubscribe()
    return False
