"""Detection of replaced logs, whose old offsets remain committed: a new log is read from its start.

Offsets are committed with the name of their log (`runtime.log_notes`). The watch compares the names
at every assignment, and requests them from the brokers every two seconds. Kafka does not report a
replaced log: a consumer silently continues at its old offset once the new log has grown to it, and
skips all earlier records.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.processors.stages.log_identity import LogPosition
from liq.runtime.log_gaps import LogGaps
from liq.runtime.log_notes import split_note
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.topic_ids import found_ids, is_unknown

CHECK_SECONDS: Final = 2.0

log = get_logger(__name__)


class LogWatch:
    """The names of the logs of a consumer's assigned partitions, and a check for replaced ones."""

    def __init__(self, gaps: LogGaps) -> None:
        """Create a watch; `gaps` publishes the replaced logs."""
        self._gaps = gaps
        self._names: dict[str, str] = {}
        # Without ids, a topic that was absent counts as replaced when it exists again.
        self._absent: set[str] = set()
        self._returned: set[str] = set()
        self._jumped: set[TopicPartition] = set()
        self._next: dict[TopicPartition, int] = {}
        self._checked_at = 0.0
        self._began: dict[TopicPartition, LogPosition] = {}
        #: Whether the present assignment must end: records fetched now must not be handled.
        self.is_outdated = False

    def name(self, topic: str) -> str:
        """Return the name of the log of a topic that is being read; empty if unknown."""
        return self._names.get(topic, "")

    async def positions(
        self, consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]
    ) -> dict[int, LogPosition]:
        """Map each partition's number to its log, the offset at which reading began, and the end.

        Raises:
            KafkaError: the brokers do not answer.
        """
        ends = await consumer.end_offsets(list(partitions)) if partitions else {}
        found = {}
        for place, end in ends.items():
            began = self._began.get(place, LogPosition())
            found[place.partition] = LogPosition(began.log, began.offset, end, began.is_replaced)
        return found

    async def begin(
        self, consumer: AIOKafkaConsumer, committed: Mapping[TopicPartition, int | None]
    ) -> dict[TopicPartition, int]:
        """Compare the logs of a new assignment with those in the group's committed offsets.

        Returns:
            The beginnings of replaced logs; the consumer's positions are set to them.

        Raises:
            KafkaError: the brokers do not answer.
        """
        places = sorted(TopicPartition(*place) for place in consumer.assignment())
        offsets = {TopicPartition(*place): offset for place, offset in committed.items()}
        ids = await self._ask(consumer, {*self._names, *(place.topic for place in places)})
        notes = await consumer._coordinator.fetch_committed_offsets(places)  # noqa: SLF001
        ends = await consumer.end_offsets(places) if places else {}
        replaced: list[TopicPartition] = []
        self._began.clear()
        for place in places:
            name, offset = ids.get(place.topic, ""), offsets.get(place)
            noted = split_note(notes[place].metadata)[1] if place in notes else ""
            # Kafka deletes the offsets of a group with the topic.
            before = noted or self._names.get(place.topic, "")
            is_replaced = (
                (bool(before and name) and before != name)
                or (offset is not None and offset > ends[place])
                or place in self._jumped
                or place.topic in self._returned
            )
            if is_replaced:
                replaced.append(place)
            self._began[place] = LogPosition(name, offset, ends[place], is_replaced)
        beginnings = await consumer.beginning_offsets(replaced) if replaced else {}
        for place, offset in beginnings.items():
            consumer.seek(place, offset)
        self._names.update(ids)
        self._jumped.clear()
        self._returned.clear()
        self._next.clear()
        self.is_outdated = False
        for topic in sorted({place.topic for place in replaced}):
            numbers = [place.partition for place in replaced if place.topic == topic]
            await self._gaps.tell_replaced(topic, numbers)
        return dict(beginnings)

    async def check(self, consumer: AIOKafkaConsumer) -> bool:
        """Check, every `CHECK_SECONDS`, whether a log that is being read was replaced."""
        now = time.monotonic()
        if now - self._checked_at < CHECK_SECONDS or self.is_outdated:
            return self.is_outdated
        self._checked_at = now
        ids = await self._ask(consumer, {*self._names, *(place.topic for place in self._began)})
        if is_unknown(consumer, ids):
            await consumer._client.force_metadata_update()  # noqa: SLF001 - the group joins again then
        for topic, name in ids.items():
            # An id that was unknown at the assignment is committed with the next offset.
            known = self._names.get(topic) or name
            if name != known:
                self._outdate(topic, "another topic id")
            elif topic in self._returned:
                self._outdate(topic, "it was away")
            else:
                self._names[topic] = name
        return self.is_outdated

    def note(self, fetched: Mapping[Any, Sequence[Any]]) -> bool:
        """Check fetched offsets; return whether a log was replaced."""
        for at, records in fetched.items():
            if not records:
                continue
            place = TopicPartition(at.topic, at.partition)
            if records[0].offset < self._next.get(place, 0):
                self._jumped.add(place)
                self._outdate(place.topic, "offsets that go back")
            self._next[place] = records[-1].offset + 1
        return self.is_outdated

    def _outdate(self, topic: str, sign: str) -> None:
        self.is_outdated = True
        ERRORS.labels("log_replaced").inc()
        log.error("log_replaced", topic=topic, sign=sign)

    async def _ask(self, consumer: AIOKafkaConsumer, topics: Iterable[str]) -> dict[str, str]:
        """Return the ids of the topics that exist; empty if the brokers do not answer."""
        wanted = set(topics)
        ids = await found_ids(consumer, wanted)
        if ids is None:
            return {}
        self._returned |= {topic for topic in self._absent & ids.keys() if not ids[topic]}
        self._absent = (self._absent - ids.keys()) | (wanted - ids.keys())
        return ids
