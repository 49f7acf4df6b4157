"""Faust's Kafka transport with batches: one Faust message for what one fetch returns.

Faust keeps what it is used for: the group, rebalances, flow control and the commit interval. What
changes:

- The records of a fetch reach an agent as one message whose value is a `FetchedBatch`, so that
  Faust's cost for a message is paid once a batch.
- A batch that is acknowledged says for each of its partitions which offset may be committed.
- Raw topics are merged by time of receipt (`fetching.MergedReader`).
- No fetch is held by a broker for long, no batch is larger than some megabytes, and records of
  aborted transactions are not read.
- A log that lost records before they were read is reported (`LogGaps`), and one that was replaced
  is read from its beginning (`LogWatch`).

This is the only module that touches Faust's and aiokafka's inner parts, hence the exact pin of
faust-streaming; `check_faust` refuses to start with a version that lacks them.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.exceptions import ConsumerNotStarted
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message
from mode.utils.futures import notify

from liq.processors.stages.log_identity import LogPosition, note_with_log, split_note
from liq.processors.workers.fetching import (
    DirectReader,
    FetchedBatch,
    MergedReader,
    Reader,
)
from liq.processors.workers.log_watch import LogWatch
from liq.runtime.errors import ConfigurationError
from liq.runtime.kafka import (
    FETCH_MAX_BYTES,
    FETCH_MAX_WAIT_MS,
    PARTITION_FETCH_BYTES,
    READ_COMMITTED,
)
from liq.runtime.log_gaps import LogGaps
from liq.runtime.long_poll import emulate_long_poll
from liq.runtime.positions import unread
from liq.runtime.unreadable_batches import skip_unreadable_batches

FETCH_TIMEOUT_SECONDS: Final = 1.0


class EngineConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, which returns batches."""

    def __post_init__(self) -> None:
        """Choose the reader; Faust calls this at the end of its constructor."""
        super().__post_init__()
        transport = cast("EngineTransport", self.transport)
        self._gaps = transport.gaps
        self.logs = None if transport.gaps is None else LogWatch(transport.gaps)
        self.reader: Reader = (
            MergedReader(self._fetch, self._is_flowing)
            if transport.merge
            else DirectReader(self._fetch)
        )

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        skip_unreadable_batches()
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001 - see the module's docstring
        consumer._fetch_max_bytes = FETCH_MAX_BYTES  # noqa: SLF001
        consumer._max_partition_fetch_bytes = PARTITION_FETCH_BYTES  # noqa: SLF001
        consumer._isolation_level = READ_COMMITTED  # noqa: SLF001
        return consumer

    async def on_start(self) -> None:
        """Start the consumer, and the stand-in for a long poll where it is asked for."""
        await super().on_start()
        consumer = self._ensure_consumer()
        if cast("EngineTransport", self.transport).emulate_long_poll:
            emulate_long_poll(consumer)

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the overridden signature
        max_records: int | None = None,  # noqa: ARG002 - batches have bounds of their own
    ) -> Any:
        if not self._is_flowing():
            return FetchedBatch([], {})
        if self.logs is not None and await self.logs.check(consumer):
            return await self._rejoin(consumer, timeout or 0)
        batch = await self.reader.read(consumer, active_partitions, timeout or 0)
        if self.logs is not None and self.logs.is_outdated:
            return await self._rejoin(consumer, timeout or 0)
        return batch

    async def _rejoin(self, consumer: AIOKafkaConsumer, wait_seconds: float) -> FetchedBatch:
        """Ask the group for a new assignment, which compares the logs; return nothing until then.

        What the old logs gave is committed before, under their names.
        """
        consumer._coordinator.request_rejoin()  # noqa: SLF001
        await asyncio.sleep(wait_seconds)
        return FetchedBatch([], {})

    async def _fetch(
        self, partitions: Collection[TP], wait_seconds: float, max_records: int
    ) -> Mapping[TP, list[Any]]:
        consumer = self._ensure_consumer()
        fetched = await super()._fetch_records(
            consumer, cast("set[TP]", partitions), wait_seconds, max_records
        )
        if self.logs is not None and self.logs.note(fetched):
            return {}
        if self._gaps is not None:
            await self._gaps.check(consumer, partitions, fetched)
        return fetched

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, and to the beginning of logs that they are not about."""
        offsets: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return offsets

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        committed: dict[Any, int] = await consumer.seek_to_committed()
        if self.logs is None:
            return committed
        return {**committed, **await self.logs.begin(consumer, committed)}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets with the stages' notes; return whether they were committed."""
        notes = cast("EngineConsumer", self.consumer).notes_to_commit
        self.tp_last_committed_at.update(dict.fromkeys(offsets, time.monotonic()))
        try:
            await self._ensure_consumer().commit(
                {
                    TopicPartition(*place): OffsetAndMetadata(
                        offset, self._with_log(notes.get(place, ""), place.topic)
                    )
                    for place, offset in offsets.items()
                    if place in self.assignment()
                }
            )
        except CommitFailedError:
            # The group has moved on; whoever has the partitions reads from the last commit.
            return False
        except (KafkaError, IllegalStateError) as error:
            self.log.exception("commit_failed", exc_info=error)
            await self.crash(error)
            return False
        return True

    async def committed_notes(self, partitions: Collection[TP]) -> dict[int, str]:
        """Return the notes that were committed with the partitions' offsets."""
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(  # noqa: SLF001
            [TopicPartition(*place) for place in partitions]
        )
        return {
            place.partition: split_note(committed.metadata)[0] for place, committed in found.items()
        }

    async def positions(self, partitions: Collection[TP]) -> dict[int, LogPosition]:
        """Return, by number of the partition, where reading of which log began."""
        if self.logs is None:
            return {}
        places = [TopicPartition(*place) for place in partitions]
        return await self.logs.positions(self._ensure_consumer(), places)

    def _with_log(self, note: str, topic: str) -> str:
        return note if self.logs is None else note_with_log(note, self.logs.name(topic))

    def _is_flowing(self) -> bool:
        """Whether Faust wants records now; it does not during a rebalance."""
        return bool(self.consumer.flow_active)

    def unread(self, partition: TP) -> int | None:
        """Return how many offsets are not part of any batch yet; None before the first fetch."""
        waiting = unread(self._ensure_consumer(), partition)
        return None if waiting is None else waiting + self.reader.held(partition)


class EngineConsumer(driver.Consumer):
    """Faust's consumer over the engine's thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Offsets by partition: where reading began, up to where the agents have got and handled it.
        self._starts: dict[TP, int] = {}
        self._sent_ends: dict[TP, int] = {}
        self._handled_ends: dict[TP, int] = {}
        # What the stages want to be told when another worker goes on from the handled ends, and
        # that of the commit under way; there is one at a time.
        self._notes: dict[TP, str] = {}
        self.notes_to_commit: dict[TP, str] = {}

    def _new_consumer_thread(self) -> EngineConsumerThread:
        return EngineConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def lags(self) -> dict[TP, int]:
        """Return how many offsets of each assigned partition are not handled yet.

        A partition is missing as long as the broker has not answered a fetch for it.
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
                start = self._starts.get(partition, 0)
                handled = self._handled_ends.get(partition, start)
                found[partition] = waiting + self._sent_ends.get(partition, handled) - handled
        return found

    def ack(self, message: Message) -> bool:
        """Note what may be committed now that a batch is handled.

        Nothing may of a batch that was fetched before a rebalance: its partitions may have another
        owner, or be read again from the last commit.
        """
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        batch = cast("FetchedBatch", message.value)
        if message.generation_id == self.app.consumer_generation_id:
            self._handled_ends.update(batch.ends)
            for place in batch.ends:
                self._notes[place] = batch.notes.get(place.partition, "")
        notify(self._waiting_for_ack)
        return True

    async def wait_empty(self) -> None:
        """Ask the stages to finish what they have, and wait for it."""
        cast("EngineTransport", self.transport).hurry()
        await super().wait_empty()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what belonged to the partitions, after what is handled was committed."""
        await super().on_partitions_revoked(revoked)
        for partition in revoked:
            for offsets in (self._starts, self._sent_ends, self._handled_ends):
                offsets.pop(partition, None)
            self._notes.pop(partition, None)

    async def committed_notes(self, partitions: Collection[TP]) -> dict[int, str]:
        """Return, by number of the partition, the notes that were committed with its offset."""
        thread = cast("EngineConsumerThread", self._thread)
        notes: dict[int, str] = await thread.call_thread(thread.committed_notes, partitions)
        return notes

    async def positions(self, partitions: Collection[TP]) -> dict[int, LogPosition]:
        """Return, by number of the partition, where reading of which log began."""
        thread = cast("EngineConsumerThread", self._thread)
        found: dict[int, LogPosition] = await thread.call_thread(thread.positions, partitions)
        return found

    def on_buffer_full(self, tp: TP) -> None:
        """Go on reading the partition: a full queue holds up the next batch anyhow."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing; see `on_buffer_full`."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            partition
            for partition in list(self._handled_ends)
            if topics is None or partition in topics or partition.topic in topics
        )

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        offsets = {
            partition: self._handled_ends[partition]
            for partition in tps
            if self._should_commit(partition, self._handled_ends[partition])
        }
        self.notes_to_commit = {partition: self._notes[partition] for partition in offsets}
        return offsets

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
        if self.should_stop or not isinstance(batch, FetchedBatch) or not batch.records:
            return []
        if not self.flow_active:
            # A rebalance is under way, and the consumer has moved past these records.
            await self.perform_seek()
            return []
        return [self._message(each) for each in self._by_topic(batch, active or ())]

    def _by_topic(self, batch: FetchedBatch, active: Collection[TP]) -> list[FetchedBatch]:
        """Leave out what was read before, and give every agent a batch of its own."""
        read = self._read_offset
        ours = [
            record
            for record in batch.records
            if (place := TP(record.topic, record.partition)) in active
            and record.offset >= (read[place] or 0)
        ]
        ends = {place: end for place, end in batch.ends.items() if place in active}
        for record in ours:
            self._starts.setdefault(TP(record.topic, record.partition), record.offset)
        for place, end in ends.items():
            read[place] = self._sent_ends[place] = end
        if not ours:
            return []
        if cast("EngineTransport", self.transport).merge:
            return [FetchedBatch(ours, ends)]
        topics: dict[str, list[Any]] = defaultdict(list)
        for record in ours:
            topics[record.topic].append(record)
        return [
            FetchedBatch(records, {at: end for at, end in ends.items() if at.topic == topic})
            for topic, records in topics.items()
        ]

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
    """Faust's Kafka transport over the engine's consumer."""

    Consumer = EngineConsumer
    #: Whether partitions are merged by receive time (raw topics) or read as they come.
    merge = False
    #: Whether the broker lacks a long poll.
    emulate_long_poll = False
    #: What says that records were deleted unread.
    gaps: LogGaps | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hurried: list[Callable[[], None]] = []

    def on_hurry(self, stage: Callable[[], None]) -> None:
        """Call `stage` when its batches have to be finished soon: at a rebalance, at a stop."""
        self._hurried.append(stage)

    def hurry(self) -> None:
        """Ask the stages to finish the batches that they have."""
        for stage in self._hurried:
            stage()


def check_faust() -> None:
    """Make sure that the parts this module changes are where it expects them.

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
