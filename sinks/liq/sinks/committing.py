"""The commits of a sink: offsets of stored records, and positions behind offsets without a record.

Aborted transactions, transaction markers and compacted records occupy offsets but yield no record.
A log that ends with such offsets would show a lag for ever. So for a partition without buffered
records, the sink commits the consumer's position.
"""

import time
from collections.abc import Collection, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.health import Health
from liq.runtime.log_gaps import LogGaps
from liq.runtime.logs import get_logger
from liq.runtime.metrics import CONSUMER_LAG, ERRORS
from liq.runtime.positions import position_of, unread
from liq.sinks.assignments import CONDITION
from liq.sinks.batch import Batch, Partition
from liq.sinks.log_watch import LogWatch

PASS_SECONDS: Final = 1.0
log = get_logger(__name__)


class Committing:
    """The commits of one consumer; each committed offset carries the name of its log."""

    def __init__(
        self, consumer: AIOKafkaConsumer, health: Health, logs: LogWatch, gaps: LogGaps
    ) -> None:
        """Commit for `consumer`; `gaps` reports deleted records before a committed position."""
        self._consumer = consumer
        self._health = health
        self._logs = logs
        self._gaps = gaps
        # By partition, the offset before which every record is stored and committed.
        self._stored: dict[TopicPartition, int] = {}
        self._passed_at = 0.0

    def forget(self) -> None:
        """Forget the committed offsets, after a seek of the consumer."""
        self._stored = {}

    async def commit(self, batch: Batch) -> None:
        """Commit the offsets of a stored batch, for the partitions that are still assigned."""
        ours = self._consumer.assignment()
        offsets = {
            place: offset
            for partition, offset in batch.offsets.items()
            # Offsets of a log that was replaced meanwhile are meaningless in the new one.
            if (place := TopicPartition(*partition)) in ours
            and batch.logs[place.topic] == self._logs.name(place.topic)
        }
        await self._commit(offsets)

    async def commit_passed(self, buffered: Collection[Partition]) -> None:
        """Report each partition's lag, and commit the positions of all that are not `buffered`.

        Call it when every fetched record is stored or `buffered`. It acts once a second.
        """
        now = time.monotonic()
        if now - self._passed_at < PASS_SECONDS:
            return
        self._passed_at = now
        passed: dict[TopicPartition, int] = {}
        for place in self._consumer.assignment():
            waiting = unread(self._consumer, place)
            if waiting is None:
                continue
            position = position_of(self._consumer, place)
            stored = self._stored.get(place, position) if place in buffered else position
            CONSUMER_LAG.labels(place.topic, place.partition).set(
                waiting + max(0, position - stored)
            )
            if place not in buffered and position > self._stored.get(place, 0):
                passed[place] = position
        if passed:
            await self._commit_positions(passed)

    async def _commit_positions(self, passed: Mapping[TopicPartition, int]) -> None:
        """Commit the positions beyond the committed offsets; the next call retries a failure."""
        new = list(passed.keys() - self._stored.keys())
        try:
            found = await self._consumer._coordinator.fetch_committed_offsets(new) if new else {}  # noqa: SLF001 - one request for all
            self._stored |= {place: found[place].offset if place in found else 0 for place in new}
            offsets = {place: end for place, end in passed.items() if end > self._stored[place]}
            await self._gaps.check_passed(self._consumer, offsets)
        except KafkaError as error:
            self._note_failure(error)
            return
        ours = self._consumer.assignment()
        await self._commit({place: end for place, end in offsets.items() if place in ours})

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit offsets with the names of their logs."""
        noted = {place: self._logs.to_commit(end, place.topic) for place, end in offsets.items()}
        try:
            if noted:
                await self._consumer.commit(noted)
        except KafkaError as error:
            self._note_failure(error)
            return
        count = len(self._consumer.assignment())
        self._health.set(CONDITION, holds=True, reason=f"{count} partitions assigned")
        self._stored.update(offsets)

    def _note_failure(self, error: KafkaError) -> None:
        """Report a failed commit; the destination recognizes the rows if they come again."""
        ERRORS.labels("commit").inc()
        self._health.set(CONDITION, holds=False, reason=f"cannot commit: {error!r}")
        log.warning("commit_failed", error=repr(error))
