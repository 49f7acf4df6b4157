"""Gaps in our own topics: records that Kafka deleted before a consumer had read them.

Kafka deletes records by age. A consumer that was stopped for longer than the retention silently
continues at the oldest record. The skipped offsets become a gap record on `liquidations.feeds`
before any later record is handled. After a crash in between, the gap is found and published again.
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

# The exchange of a gap in a topic that all exchanges share.
EVERY_EXCHANGE: Final = "all"
log = get_logger(__name__)


class LogGaps:
    """A check of the offsets that a stage's consumer fetches against the next offset to read."""

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
        """Publish a gap for every partition whose unread records were deleted.

        Call this with all fetched records before any of them is handled. A partition is checked
        when it is new among the `assigned`, and when its offsets jump forward.

        Raises:
            KafkaError: the brokers did not answer, or rejected the record.
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

    async def check_passed(self, consumer: AIOKafkaConsumer, positions: Mapping[Any, int]) -> None:
        """Publish a gap for every position that has skipped deleted records.

        Call this before a position beyond the last record is committed: afterwards, deleted records
        cannot be told from aborted ones.

        Raises:
            KafkaError: the brokers did not answer, or rejected the record.
        """
        passed = {
            TopicPartition(at.topic, at.partition): position
            for at, position in positions.items()
            if position > self._next_offsets.get(at, 0)
        }
        await self._look_back(consumer, list(passed))
        for place, position in passed.items():
            self._next_offsets[place] = max(self._next_offsets[place], position)

    async def _look_back(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Compare the oldest remaining offsets with the next offsets that the group has to read.

        Another worker may have read a partition since this one did, so only offsets that the group
        has not committed count. Compaction leaves holes in a topic, but not at its beginning.
        """
        oldest = await consumer.beginning_offsets(places) if places else {}
        for place, left in oldest.items():
            committed = await consumer.committed(place)
            wanted = max(committed or 0, self._next_offsets.get(place, 0))
            if committed is not None and wanted < left:
                await self._tell(place, wanted, left)
            self._next_offsets[place] = max(wanted, left)

    async def tell_replaced(self, topic: str, partitions: Collection[int]) -> None:
        """Publish a gap for a topic that was deleted and created again, or lost its newest records.

        Raises:
            KafkaError: the brokers rejected the record.
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
    """Return the gap record for one of our own topics, in which a stage found a gap."""
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
