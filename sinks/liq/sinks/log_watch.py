"""Detection of replaced logs, which a sink reads from their beginning.

Kafka does not report that a topic was deleted and created again. A consumer that was paused
meanwhile continues at its old offset as soon as the new log reaches it, and skips all records
before it. A consumer that joins its group while the topic is missing is assigned none of its
partitions, and discovers the new topic five minutes later. So this module compares the topics' ids
at every assignment and every two seconds, and refreshes outdated metadata, so that the group joins
again.
"""

import time
from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from liq.runtime.log_gaps import LogGaps
from liq.runtime.log_notes import note_with_log, split_note
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.topic_ids import found_ids, is_unknown

CHECK_SECONDS: Final = 2.0

log = get_logger(__name__)


class LogWatch:
    """The logs of a sink's assigned partitions, except for topics without an id."""

    def __init__(self, consumer: AIOKafkaConsumer, gaps: LogGaps) -> None:
        """Watch the logs of `consumer`; `gaps` publishes each replacement."""
        self._consumer = consumer
        self._gaps = gaps
        self._ids: dict[str, str] = {}
        self._checked_at = 0.0

    def name(self, topic: str) -> str:
        """Return the name of the log that the sink reads; empty if it is unknown."""
        return self._ids.get(topic, "")

    def to_commit(self, offset: int, topic: str) -> OffsetAndMetadata:
        """Return an offset to commit, with the name of the log that the sink reads."""
        return OffsetAndMetadata(offset, note_with_log("", self.name(topic)))

    async def begin(self, assigned: Collection[TopicPartition]) -> list[TopicPartition]:
        """Compare the logs of new partitions with those named in the committed offsets.

        Returns:
            The partitions of replaced logs, for which the consumer seeks to the beginning.

        Raises:
            KafkaError: the brokers do not answer.
        """
        places = list(assigned)
        ids = await found_ids(self._consumer, (place.topic for place in places)) or {}
        committed = await self._consumer._coordinator.fetch_committed_offsets(places)  # noqa: SLF001
        replaced = []
        for place in places:
            noted = split_note(committed[place].metadata)[1] if place in committed else ""
            name = ids.get(place.topic, "")
            # Kafka deletes a group's offsets together with the topic.
            if name and (noted or self.name(place.topic) or name) != name:
                replaced.append(place)
        self._ids.update(ids)
        await self._begin_anew(replaced)
        return replaced

    async def check(self) -> bool:
        """Check every `CHECK_SECONDS` for replaced logs, and seek to their beginning.

        Returns:
            Whether a log was replaced.

        Raises:
            KafkaError: the brokers reject the record of the replacement.
        """
        now = time.monotonic()
        if now - self._checked_at < CHECK_SECONDS:
            return False
        self._checked_at = now
        assigned = self._consumer.assignment()
        ids = await found_ids(self._consumer, self._consumer.subscription()) or {}
        # `begin` checks topics that are not assigned at present.
        read = {name: ids[name] for name in {place.topic for place in assigned} & ids.keys()}
        changed = {name for name, found in read.items() if (self.name(name) or found) != found}
        self._ids.update(read)
        await self._begin_anew([place for place in assigned if place.topic in changed])
        if changed or is_unknown(self._consumer, ids):
            await self._consumer._client.force_metadata_update()  # noqa: SLF001
        return bool(changed)

    async def _begin_anew(self, replaced: Collection[TopicPartition]) -> None:
        if not replaced:
            return
        beginnings = await self._consumer.beginning_offsets(list(replaced))
        for place, offset in beginnings.items():
            self._consumer.seek(place, offset)
        for topic in sorted({place.topic for place in replaced}):
            ERRORS.labels("log_replaced").inc()
            log.error("log_replaced", topic=topic)
            numbers = [place.partition for place in replaced if place.topic == topic]
            await self._gaps.tell_replaced(topic, numbers)
