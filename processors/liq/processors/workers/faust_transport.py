"""Faust's Kafka transport with batches: one Faust message for the records of one fetch.

Faust still manages the group, rebalances, flow control and the commit interval. The differences:

- The records of a fetch reach an agent as one message whose value is a `FetchedBatch`, so that
  Faust's cost per message arises once per batch.
- The acknowledgement of a batch determines the offset to commit for each of its partitions.
- Raw topics are merged by time of receipt (`fetching.MergedReader`).
- Fetches wait only briefly for records, batches are at most a few megabytes, and records of
  aborted transactions are skipped.
- Records that were deleted before they were read are reported (`LogGaps`), and a replaced log is
  read from its beginning (`LogWatch`).

Only this module and `faust_consumer` use internals of Faust and aiokafka, hence the exact pin of
faust-streaming; `check_faust` rejects a version that lacks them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final, cast

from aiokafka import TopicPartition
from faust.exceptions import ConsumerNotStarted
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message
from mode.utils.futures import notify

from liq.processors.stages.log_identity import LogPosition
from liq.processors.workers.faust_consumer import EngineConsumerThread
from liq.processors.workers.fetching import FetchedBatch
from liq.processors.workers.handled_offsets import Committable, HandledOffsets
from liq.processors.workers.reading_gate import ReadingGate
from liq.runtime.errors import ConfigurationError
from liq.runtime.log_gaps import LogGaps

FETCH_TIMEOUT_SECONDS: Final = 1.0


class EngineConsumer(driver.Consumer):
    """Faust's consumer with `EngineConsumerThread`; it commits the offsets of safe batches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offsets = HandledOffsets()
        #: The offsets of the commit in progress; there is at most one.
        self.to_commit: dict[TP, Committable] = {}

    def _new_consumer_thread(self) -> EngineConsumerThread:
        return EngineConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def lags(self) -> dict[TP, int]:
        """Return the number of unhandled offsets of each assigned partition.

        A partition is absent until the broker has answered a fetch for it.
        """
        found: dict[TP, int] = {}
        thread = cast("EngineConsumerThread", self._thread)
        try:
            assigned = self.assignment()
        except ConsumerNotStarted:
            return found
        for partition in assigned:
            waiting = thread.unread(partition)
            if waiting is not None:
                found[partition] = waiting + self._offsets.unhandled(partition)
        return found

    def ack(self, message: Message) -> bool:
        """Record the offsets of a handled batch for the next commit.

        Batches from before a rebalance do not count: their partitions may have another owner, or
        are read again from the last commit.
        """
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        batch = cast("FetchedBatch", message.value)
        if message.generation_id == self.app.consumer_generation_id:
            self._offsets.handle(batch.ends, batch.notes)
        notify(self._waiting_for_ack)
        return True

    @property
    def has_unhandled(self) -> bool:
        """Whether a fetched batch is not acknowledged yet."""
        return any(not message.acked for message in list(self._unacked_messages))

    async def wait_empty(self) -> None:
        """Ask the stages to finish their batches, and wait until all are acknowledged."""
        cast("EngineTransport", self.transport).hurry()
        await super().wait_empty()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit handled offsets, then discard the state of revoked partitions."""
        await super().on_partitions_revoked(revoked)
        self._offsets.forget(revoked)

    async def committed_notes(self, partitions: Collection[TP]) -> dict[int, str]:
        """Map each partition's number to the note committed with its offset."""
        thread = cast("EngineConsumerThread", self._thread)
        notes: dict[int, str] = await thread.call_thread(thread.committed_notes, partitions)
        return notes

    async def positions(self, partitions: Collection[TP]) -> dict[int, LogPosition]:
        """Map each partition's number to its log and the offset at which reading began."""
        thread = cast("EngineConsumerThread", self._thread)
        found: dict[int, LogPosition] = await thread.call_thread(thread.positions, partitions)
        return found

    def on_buffer_full(self, tp: TP) -> None:
        """Do not pause the partition: a full queue delays the next batch in any case."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing; see `on_buffer_full`."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            partition
            for partition in self._offsets.places
            if topics is None or partition in topics or partition.topic in topics
        )

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        self.to_commit = {
            partition: found
            for partition in tps
            if (found := self._offsets.committable(partition)) is not None
            and self._should_commit(partition, found.offset)
        }
        return {partition: found.offset for partition, found in self.to_commit.items()}

    async def _drain_messages(self, fetcher: Any) -> None:
        """Read batches and pass them to the agents until Faust stops."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                for message in await self._next_messages():
                    if not self.flow_active:
                        break
                    await self.wait_first(self.callback(message), self.suspend_flow.wait())
                await asyncio.sleep(0)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise

    async def _next_messages(self) -> list[ConsumerMessage]:
        fetched, active = await self._wait_next_records(FETCH_TIMEOUT_SECONDS)
        batch: Any = fetched
        if self.should_stop or not isinstance(batch, FetchedBatch):
            return []
        if not self.flow_active:
            if batch.records:
                # A rebalance is in progress, and the position has moved past these records.
                await self.perform_seek()
            return []
        found = [self._message(each) for each in self._by_topic(batch, active or ())]
        for place, position in batch.passed.items():
            self._offsets.move(place, position)
        return found

    def _by_topic(self, batch: FetchedBatch, active: Collection[TP]) -> list[FetchedBatch]:
        """Drop records that were read before; return one batch for each agent."""
        read = self._read_offset
        ours = [
            record
            for record in batch.records
            if (place := TP(record.topic, record.partition)) in active
            and record.offset >= (read[place] or 0)
        ]
        ends = {place: end for place, end in batch.ends.items() if place in active}
        for record in ours:
            self._offsets.start(TP(record.topic, record.partition), record.offset)
        read.update(ends)
        if cast("EngineTransport", self.transport).merge:
            batches = [FetchedBatch(ours, ends)] if ours else []
        else:
            topics: dict[str, list[Any]] = defaultdict(list)
            for record in ours:
                topics[record.topic].append(record)
            batches = [
                FetchedBatch(records, {at: end for at, end in ends.items() if at.topic == topic})
                for topic, records in topics.items()
            ]
        for each in batches:
            self._offsets.send(each.ends)
        return batches

    def _message(self, batch: FetchedBatch) -> ConsumerMessage:
        first = batch.records[0]
        return ConsumerMessage(
            first.topic,
            first.partition,
            first.offset,
            first.timestamp / 1000,
            first.timestamp_type,
            [],
            b"",
            cast("bytes", batch),
            None,
            0,
            0,
            TP(first.topic, first.partition),
            generation_id=self.app.consumer_generation_id,
        )


class EngineTransport(driver.Transport):
    """Faust's Kafka transport with `EngineConsumer`."""

    Consumer = EngineConsumer
    #: Whether partitions are merged by time of receipt (raw topics).
    merge = False
    #: Whether the broker lacks a long poll.
    emulate_long_poll = False
    #: The check for records that were deleted unread.
    gaps: LogGaps | None = None
    #: The partition of the layout topic, which is read before any other.
    layout_place: TopicPartition | None = None
    #: The topic that grows: events.
    grown_topic = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = ReadingGate()
        self._hurried: list[Callable[[], None]] = []

    def on_hurry(self, stage: Callable[[], None]) -> None:
        """Register a function to call when batches must finish soon: at a rebalance or a stop."""
        self._hurried.append(stage)

    def hurry(self) -> None:
        """Ask the stages to finish their batches."""
        for stage in self._hurried:
            stage()


def check_faust() -> None:
    """Check that the methods which this module overrides exist in Faust.

    Raises:
        ConfigurationError: another version of faust-streaming is installed.
    """
    expected = [
        (driver.AIOKafkaConsumerThread, "_fetch_records"),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
        (driver.Consumer, "_new_consumer_thread"),
        (driver.AIOKafkaConsumerThread, "_commit"),
        (driver.AIOKafkaConsumerThread, "seek_to_committed"),
        (BaseConsumer, "_wait_next_records"),
        (BaseConsumer, "_drain_messages"),
        (BaseConsumer, "_filter_committable_offsets"),
        (BaseConsumer, "_filter_tps_with_pending_acks"),
        (BaseConsumer, "_should_commit"),
    ]
    missing = [f"{owner.__name__}.{name}" for owner, name in expected if not hasattr(owner, name)]
    if missing:
        raise ConfigurationError(
            f"This faust-streaming lacks {', '.join(missing)}; install the pinned version "
            "(pip install -c constraints.txt)."
        )
