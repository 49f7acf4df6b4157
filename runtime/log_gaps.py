"""Records that were deleted before a consumer had read them: said on `liquidations.feeds`.

Kafka deletes by age. A consumer that was stopped for longer finds its place gone and goes on at
the oldest record that is left, without a word. What it jumped over becomes a gap record, before
anything that follows it is handled; after a crash in between, the gap is found and said again.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.kafka import new_producer
from runtime.logs import get_logger
from runtime.metrics import ERRORS
from runtime.settings import Settings
from schemas.codec import encode
from schemas.records import FeedStatus
from schemas.vocabulary import FeedEvent

# A gap in one of our own topics is no single exchange's.
EVERY_EXCHANGE: Final = "all"
MS_PER_SECOND: Final = 1_000
log = get_logger(__name__)


class LogGaps:
    """Compares what a consumer of a stage is given with what comes next in its log."""

    def __init__(self, settings: Settings, stage: str) -> None:
        self._settings = settings
        self._stage = stage
        self._next_offsets: dict[TopicPartition, int] = {}

    async def check(self, consumer: AIOKafkaConsumer, fetched: Mapping[Any, Sequence[Any]]) -> None:
        """Publish a gap for each partition whose records begin after ones that were deleted.

        Call it with everything that was fetched, before any of it is handled.

        Raises:
            KafkaError: the brokers did not answer, or did not take the record.
        """
        for place, records in fetched.items():
            if not records:
                continue
            partition = TopicPartition(place.topic, place.partition)
            first = records[0]
            if self._next_offsets.get(partition) != first.offset:
                await self._look_back(consumer, partition, first)
            self._next_offsets[partition] = records[-1].offset + 1

    async def _look_back(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, first: Any
    ) -> None:
        """The records are not the ones we waited for: new to us, read again, or a jump.

        Another worker may have read the partition meanwhile, so that only what the group has not
        committed counts.
        """
        committed = await consumer.committed(partition)
        if committed is None:
            return
        wanted = max(committed, self._next_offsets.get(partition, 0))
        if wanted >= first.offset:
            return
        oldest = (await consumer.beginning_offsets([partition]))[partition]
        # Within a compacted topic there are holes, but none at its beginning.
        if wanted < oldest:
            await self._tell(partition, wanted, first)

    async def _tell(self, partition: TopicPartition, wanted: int, first: Any) -> None:
        raw_exchange = self._settings.topics.raw_exchange(partition.topic)
        record = FeedStatus(
            exchange=EVERY_EXCHANGE if raw_exchange == partition.topic else raw_exchange,
            feed=partition.topic,
            connection=f"{self._stage}-{self._settings.worker_slot}",
            event=FeedEvent.GAP,
            timestamp_ms=int(time.time() * MS_PER_SECOND),
            detail=(
                f"{first.offset - wanted} records of {partition.topic} partition "
                f"{partition.partition}, offsets {wanted} to {first.offset - 1}, were deleted "
                f"before {self._stage} had read them; check retention.ms, and why it was behind"
            ),
            to_ms=first.timestamp,
        )
        ERRORS.labels("log_gap").inc()
        log.error("log_gap", detail=record.detail)
        producer = new_producer(self._settings, f"{self._stage}-gaps")
        await producer.start()
        try:
            await producer.send_and_wait(
                self._settings.topics.feeds, encode(record), key=record.exchange.encode()
            )
        finally:
            await producer.stop()
