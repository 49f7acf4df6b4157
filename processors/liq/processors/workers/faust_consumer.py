"""The client side of Faust's Kafka transport: poll, commit, and positions of one aiokafka consumer.

Faust calls this class a thread; here, the consumer runs on the worker's event loop.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from liq.processors.stages.log_identity import LogPosition
from liq.processors.workers.fetching import DirectReader, FetchedBatch, Reader
from liq.processors.workers.handled_offsets import Committable
from liq.processors.workers.log_watch import LogWatch
from liq.processors.workers.merged_fetching import MergedReader
from liq.processors.workers.reading_gate import CLOSED_SECONDS
from liq.runtime.kafka import (
    FETCH_MAX_BYTES,
    FETCH_MAX_WAIT_MS,
    LEAST_PARTITION_FETCH_BYTES,
    READ_COMMITTED,
    partition_fetch_bytes,
)
from liq.runtime.log_notes import note_with_log, split_note
from liq.runtime.long_poll import emulate_long_poll
from liq.runtime.positions import position_of, unread
from liq.runtime.unreadable_batches import skip_unreadable_batches

if TYPE_CHECKING:
    from liq.processors.workers.faust_transport import EngineConsumer, EngineTransport

NOTICE_SECONDS: Final = 0.5
#: The interval between checks of the positions of partitions without records.
PASS_SECONDS: Final = 0.5


class EngineConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's service around aiokafka's consumer; it returns batches and uses no thread.

    Faust runs the consumer in a thread so that agents may block their event loop. These agents do
    not block it. With a thread, each batch would wait for the other thread twice: on busy cores,
    longer than for the broker.
    """

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **kwargs: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, **kwargs)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the consumer on the worker's event loop.

        Raises:
            KafkaError: the brokers cannot be reached.
        """
        self._thread_started.set()
        self._thread_running = running = self.parent_loop.create_future()
        self._serving = self.parent_loop.create_task(self._serve())
        # Retrieve its exception: `running` raises it, or it has crashed the app already.
        self._serving.add_done_callback(lambda task: task.cancelled() or task.exception())
        await running

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function, and await its result; a cancelled caller does not cancel the call."""
        result = fun(*args, **kwargs)
        return await asyncio.shield(result) if inspect.isawaitable(result) else result

    async def _gather_remaining_tasks(self) -> None:
        """Cancel no task: most tasks of the event loop do not belong to the consumer."""

    async def _keepalive2(self) -> None:
        """Do nothing, because there is no thread to monitor."""

    def __post_init__(self) -> None:
        """Choose the reader; Faust calls this at the end of its constructor."""
        super().__post_init__()
        transport = cast("EngineTransport", self.transport)
        self._gaps = transport.gaps
        self._gate = transport.gate
        self._layout_place = transport.layout_place
        self._grown_topic = transport.grown_topic
        self._noticed_at = 0.0
        self._passed_at = 0.0
        # The stages' notes in the group's commits before this assignment.
        self._begun_notes: dict[TP, str] = {}
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
        # The least size, until the number of partitions is known.
        consumer._max_partition_fetch_bytes = LEAST_PARTITION_FETCH_BYTES  # noqa: SLF001
        consumer._isolation_level = READ_COMMITTED  # noqa: SLF001
        return consumer

    async def on_start(self) -> None:
        """Start the consumer, and the emulation of a long poll if the settings require it."""
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
        await self._notice_partitions(consumer)
        if self._gate.take_rejoin():
            return await self._rejoin(consumer, timeout or 0)
        if not self._gate.is_open():
            await asyncio.sleep(CLOSED_SECONDS)
            return FetchedBatch([], {})
        if self.logs is not None and await self.logs.check(consumer):
            return await self._rejoin(consumer, timeout or 0)
        consumer._fetcher._max_partition_fetch_bytes = partition_fetch_bytes(  # noqa: SLF001
            len(active_partitions)
        )
        batch = await self.reader.read(consumer, active_partitions, timeout or 0)
        if self.logs is not None and self.logs.is_outdated:
            return await self._rejoin(consumer, timeout or 0)
        if (now := time.monotonic()) - self._passed_at >= PASS_SECONDS:
            self._passed_at = now
            batch.passed = self._passed(consumer, active_partitions, batch)
        return batch

    def _passed(
        self, consumer: AIOKafkaConsumer, active: Collection[TP], batch: FetchedBatch
    ) -> dict[TP, int]:
        """Return the positions of partitions whose fetched records were all part of a batch."""
        return {
            place: position
            for place in active
            if place not in batch.ends
            and not self.reader.held(place)
            and (position := position_of(consumer, place)) > 0
        }

    async def _notice_partitions(self, consumer: AIOKafkaConsumer) -> None:
        """Refresh metadata until it shows the partitions that were added to the events topic.

        aiokafka rejoins the group when its metadata shows them, but refreshes only every few
        minutes.
        """
        wanted, topic = self._gate.wanted_partitions, self._grown_topic
        if not wanted or topic not in consumer.subscription():
            return
        now = time.monotonic()
        known = consumer._client.cluster.partitions_for_topic(topic) or ()  # noqa: SLF001
        if len(known) < wanted and now - self._noticed_at >= NOTICE_SECONDS:
            self._noticed_at = now
            await consumer._client.force_metadata_update()  # noqa: SLF001

    async def _rejoin(self, consumer: AIOKafkaConsumer, wait_seconds: float) -> FetchedBatch:
        """Request a new assignment, at which logs are compared; return an empty batch until then.

        Faust commits the handled offsets of the old logs first, under the names of those logs.
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
        """Seek to the committed offsets, or to the beginning without one or in a replaced log."""
        offsets: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return offsets

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        if self._layout_place is not None:
            ends = await consumer.end_offsets([self._layout_place])
            self._gate.require(ends[self._layout_place])
        committed: dict[Any, int] = await consumer.seek_to_committed()
        # It does not move partitions without a commit: they may be beyond dropped records.
        fresh = [place for place, offset in committed.items() if not offset]
        beginnings = await consumer.beginning_offsets(fresh) if fresh else {}
        for place, offset in beginnings.items():
            consumer.seek(place, offset)
        self._begun_notes = await self._notes(committed)
        if self.logs is None:
            return committed
        replaced = await self.logs.begin(consumer, committed)
        for place in replaced:
            self._begun_notes.pop(place, None)
        return {**committed, **replaced}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets with the stages' notes; return whether the commit succeeded."""
        to_commit = cast("EngineConsumer", self.consumer).to_commit
        self.tp_last_committed_at.update(dict.fromkeys(offsets, time.monotonic()))
        consumer = self._ensure_consumer()
        try:
            if self._gaps is not None:
                passed = {place: at for place, at in offsets.items() if to_commit[place].is_passed}
                await self._gaps.check_passed(consumer, passed)
            await consumer.commit(
                {
                    TopicPartition(*place): OffsetAndMetadata(
                        offset, self._with_log(self._note(to_commit[place], place), place.topic)
                    )
                    for place, offset in offsets.items()
                    if place in self.assignment()
                }
            )
        except CommitFailedError:
            # The group has rebalanced; the new owner reads from the last commit.
            return False
        except (KafkaError, IllegalStateError) as error:
            self.log.exception("commit_failed", exc_info=error)
            await self.crash(error)
            return False
        return True

    async def committed_notes(self, partitions: Collection[TP]) -> dict[int, str]:
        """Map each partition's number to the note committed with its offset."""
        return {place.partition: note for place, note in (await self._notes(partitions)).items()}

    async def _notes(self, partitions: Collection[TP]) -> dict[TP, str]:
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(  # noqa: SLF001
            [TopicPartition(*place) for place in partitions]
        )
        return {TP(*place): split_note(each.metadata)[0] for place, each in found.items()}

    def _note(self, committable: Committable, place: TP) -> str:
        """Return a stage's note; before its first batch, the note of the last commit."""
        if committable.note is None:
            return self._begun_notes.get(place, "")
        return committable.note

    async def positions(self, partitions: Collection[TP]) -> dict[int, LogPosition]:
        """Map each partition's number to its log and the offset at which reading began."""
        if self.logs is None:
            return {}
        places = [TopicPartition(*place) for place in partitions]
        return await self.logs.positions(self._ensure_consumer(), places)

    def _with_log(self, note: str, topic: str) -> str:
        return note if self.logs is None else note_with_log(note, self.logs.name(topic))

    def _is_flowing(self) -> bool:
        """Return whether Faust accepts records now; it does not during a rebalance."""
        return bool(self.consumer.flow_active)

    def unread(self, partition: TP) -> int | None:
        """Return the number of offsets not yet part of a batch; None before the first fetch."""
        waiting = unread(self._ensure_consumer(), partition)
        return None if waiting is None else waiting + self.reader.held(partition)
