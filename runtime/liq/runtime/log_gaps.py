"""Records that were deleted before a consumer had read them: said on `liquidations.feeds`.

Kafka deletes by age. A consumer that was stopped for longer finds its place gone and goes on at
the oldest record that is left, without a word. What it jumped over becomes a gap record, before
anything that follows it is handled; after a crash in between, the gap is found and said again.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.runtime.feed_records import deliver_feed_status
from liq.runtime.kafka import new_producer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.settings import Settings
from liq.schemas.records import FeedStatus
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import FeedEvent

# A gap in one of our own topics is no single exchange's.
EVERY_EXCHANGE: Final = "all"
log = get_logger(__name__)


class LogGaps:
    """Compares what a consumer of a stage is given with what comes next in its log."""

    def __init__(self, settings: Settings, stage: str) -> None:
        self._settings = settings
        self._stage = stage
        self._next_offsets: dict[TopicPartition, int] = {}

    async def check(
        self,
        consumer: AIOKafkaConsumer,
        assigned: Collection[Any],
        fetched: Mapping[Any, Sequence[Any]],
    ) -> None:
        """Publish a gap for every partition of which records were deleted that we had to read.

        Call it with everything that was fetched, before any of it is handled. A partition is
        looked at when it is new among the `assigned`, and when it jumps forward.

        Raises:
            KafkaError: the brokers did not answer, or did not take the record.
        """
        # Faust's and aiokafka's pairs of topic and partition are equal.
        if new := [place for place in assigned if place not in self._next_offsets]:
            await self._look_back(
                consumer, [TopicPartition(place.topic, place.partition) for place in new]
            )
        for at, records in fetched.items():
            if records:
                place = TopicPartition(at.topic, at.partition)
                if records[0].offset > self._next_offsets.get(place, 0):
                    await self._look_back(consumer, [place])
                self._next_offsets[place] = records[-1].offset + 1

    async def _look_back(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Compare the oldest records that are left with the next ones that the group wants.

        Another worker may have read a partition since we did, so that only what the group has not
        committed counts. A compacted topic has holes, but none at its beginning.
        """
        oldest = await consumer.beginning_offsets(places) if places else {}
        for place, left in oldest.items():
            committed = await consumer.committed(place)
            wanted = max(committed or 0, self._next_offsets.get(place, 0))
            if committed is not None and wanted < left:
                await self._tell(place, wanted, left)
            self._next_offsets[place] = max(wanted, left)

    async def tell_replaced(self, topic: str, partitions: Collection[int]) -> None:
        """Publish a gap for a topic that was deleted and made again, or cut off at its end.

        Raises:
            KafkaError: the brokers did not take the record.
        """
        numbers = ", ".join(map(str, sorted(partitions)))
        await self._publish(
            topic,
            f"{topic} was deleted and made again, or lost its newest records (partitions "
            f"{numbers}); {self._stage} reads the new log from its beginning, and what it had not "
            "read of the old one is lost",
        )

    async def _tell(self, place: TopicPartition, wanted: int, left: int) -> None:
        await self._publish(
            place.topic,
            f"{left - wanted} records of {place.topic} partition {place.partition}, offsets "
            f"{wanted} to {left - 1}, were deleted before {self._stage} had read them; check "
            "retention.ms, and why it was behind",
        )

    async def _publish(self, topic: str, detail: str) -> None:
        record = topic_gap(self._settings, self._stage, topic, detail)
        ERRORS.labels("log_gap").inc()
        log.error("log_gap", detail=record.detail)
        producer = new_producer(self._settings, f"{self._stage}-gaps")
        await producer.start()
        try:
            await deliver_feed_status(producer, self._settings.topics, record)
        finally:
            await producer.stop()


def topic_gap(settings: Settings, stage: str, topic: str, detail: str) -> FeedStatus:
    """Return the gap record of one of our own topics, which a stage found."""
    raw_exchange = settings.topics.raw_exchange(topic)
    now_ms = int(time.time() * SECOND_MS)
    return FeedStatus(
        exchange=EVERY_EXCHANGE if raw_exchange == topic else raw_exchange,
        feed=topic,
        connection=f"{stage}-{settings.worker_slot}",
        event=FeedEvent.GAP,
        timestamp_ms=now_ms,
        detail=detail,
        to_ms=now_ms,
    )
