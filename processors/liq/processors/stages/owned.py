"""The base of the stages with state: one detector for each partition that the worker owns.

    own         the consumer group has assigned the partition, and a record of it arrives
    take over   read the partitions' snapshots and claim them under a new epoch
    apply       pass a batch to the detectors of its partitions
    send        publish their decisions, and continue with the next batch
    checkpoint  wait for acknowledgements, write the changed snapshots, then commit (`checkpoints`)

A crash in between repeats records under the same ids and loses no record:
docs/decisions/0001-detector-state.md.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol

from liq.processors.cascades import DetectorConfig
from liq.processors.stages.alert_measures import measure
from liq.processors.stages.beginnings import Beginnings
from liq.processors.stages.bounds import ClockBounds
from liq.processors.stages.checkpoints import Checkpoints, Snapshot
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.hooks import BatchResult, OwnedPartition, State
from liq.processors.stages.log_identity import LogPosition
from liq.processors.stages.output import Output
from liq.processors.stages.state import DetectorStateStore
from liq.runtime.logs import get_logger
from liq.runtime.metrics import LEFT_OUT
from liq.runtime.newest_append import newest_append_times
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.units import SECOND_MS

#: State this far ahead of its log contains a wrong clock. A smaller lead passes soon.
FUTURE_STATE_MS: Final = 60_000

log = get_logger(__name__)


class Group(Protocol):
    """The consumer group of a stage, limited to the stage's input topic."""

    def assigned(self) -> Collection[int]:
        """Return the partitions that the group assigns to this worker now."""

    async def committed_notes(self, partitions: Collection[int]) -> Mapping[int, str]:
        """Map each partition to the note committed with its offset."""

    async def positions(self, partitions: Collection[int]) -> Mapping[int, LogPosition]:
        """Map each partition to its log and the offset at which the group began to read it."""


class OwnedStage(Beginnings[State], Generic[State]):
    """A stage with one detector for each partition that the group assigns to this worker."""

    def __init__(
        self,
        settings: Settings,
        output: Output,
        group: Group,
        input_topic: str,
        state_topic: str,
    ) -> None:
        """Create a stage; checkpoints store its state in `state_topic`."""
        super().__init__(settings, detector_config(settings), input_topic, state_topic)
        self._bounds = ClockBounds(f"{settings.worker_slot}:detect")
        self._output = output
        self._group = group
        self._store = DetectorStateStore(settings, output, state_topic)
        self._owned: dict[int, OwnedPartition[State]] = {}
        self._releases = 0
        self._taking_over = asyncio.Lock()
        self._checkpoints = Checkpoints(
            output, self._capture, settings.checkpoint_seconds, state_topic
        )

    def release(self) -> None:
        """Discard every partition: a rebalance may have assigned it to another worker."""
        self._owned.clear()
        self._releases += 1
        self._checkpoints.drop()

    def hurry(self) -> None:
        """Make the present batches safe without waiting for the interval of checkpoints."""
        self._checkpoints.hurry()

    async def handle(self, messages: Sequence[Any]) -> asyncio.Future[Mapping[int, str] | None]:
        """Apply a batch to the detectors and publish their decisions.

        The future completes when a checkpoint includes the batch. Its result is the notes to commit
        with the offsets, or None if the partitions were revoked before.

        Raises:
            KafkaError: the brokers reject a record.
        """
        by_partition: dict[int, list[Any]] = defaultdict(list)
        for message in messages:
            by_partition[message.partition].append(message)
        # Faust may pass records before it announces their partition, so the first record of a
        # partition starts the take-over.
        if not by_partition.keys() <= self._owned.keys():
            await self.own()
        async with self._checkpoints.applying:
            await self._prepare(
                [
                    (owned, batch)
                    for partition, batch in by_partition.items()
                    if (owned := self._owned.get(partition)) is not None
                ]
            )
            results = []
            notes: dict[int, str] = {}
            for partition, batch in by_partition.items():
                owned = self._owned.get(partition)
                if owned is None:
                    # Read before the partition was revoked; its new owner reads the batch again.
                    log.info("batch_of_lost_partition", partition=partition, records=len(batch))
                    continue
                results.append(self._apply(owned, batch))
                notes[partition] = self._note(owned.state)
            sent = await self._output.send([each for result in results for each in result.records])
            sent.add_done_callback(lambda done: _count(results, done))
            return self._checkpoints.add(sent, notes)

    async def own(self) -> None:
        """Take over the assigned partitions, without waiting for a record of them.

        Raises:
            KafkaError: the brokers do not answer.
        """
        async with self._taking_over:
            if not set(self._group.assigned()) <= self._owned.keys():
                await self._take_over()

    async def _take_over(self) -> None:
        """Take over every partition that is assigned and not owned yet."""
        partitions = sorted(set(self._group.assigned()) - self._owned.keys())
        releases = self._releases
        self._published = None
        notes = await self._group.committed_notes(partitions) if partitions else {}
        positions = await self._group.positions(partitions) if partitions else {}
        restored_states = await self._store.read(partitions)
        with_state = [each.partition for each in restored_states if each.versions]
        newest = await newest_append_times(self._settings, self._input_topic, with_state)
        for restored in restored_states:
            position = positions.get(restored.partition, LogPosition())
            note = notes.get(restored.partition, "")
            state, records = await self._begin(restored, position, note)
            await self._output.deliver(records)
            await self._store.claim(restored, position.log, self._config.identity)
            owned = OwnedPartition(restored.partition, restored.epoch, state)
            await self._check_clock(owned, newest.get(restored.partition))
            if releases == self._releases:
                self._owned[restored.partition] = owned
        self._published = None

    async def _check_clock(self, owned: OwnedPartition[State], appended_ms: int | None) -> None:
        """Reset state that is ahead of the newest record of its log: it contains a wrong clock."""
        newest_ms = self._newest_ms(owned.state)
        if appended_ms is None or newest_ms <= appended_ms + FUTURE_STATE_MS:
            return
        ahead_seconds = (newest_ms - appended_ms) // SECOND_MS
        log.warning(
            "state_from_the_future",
            topic=self._input_topic,
            partition=owned.partition,
            ahead_seconds=ahead_seconds,
        )
        self._bounds.report(
            self._input_topic,
            appended_ms,
            f"the stored state of partition {owned.partition} is {ahead_seconds} s ahead of its "
            "newest record: what is ahead is dropped",
        )
        await self._output.deliver([*self._heal(owned, appended_ms), *self._feed_records()])

    def _feed_records(self) -> list[OutputRecord]:
        """Return the feed records of wrong clocks that were found since the last call."""
        return [feed_record(self._topics.feeds, each) for each in self._bounds.take_statuses()]

    def _capture(self) -> Snapshot:
        records: list[OutputRecord] = []
        passed_on: list[OutputRecord] = []
        touched: list[tuple[State, Iterable[str]]] = []
        for owned in self._owned.values():
            passed_on += self._passed_on(owned)
            changes = self._changes(owned.state)
            if changes:
                records += self._store.records(owned.partition, owned.epoch, changes)
                touched.append((owned.state, changes))
            records += self._share_records(owned)

        def written() -> None:
            for state, keys in touched:
                self._gauge(state, keys)

        return Snapshot(records, written, passed_on)


def detector_config(settings: Settings) -> DetectorConfig:
    """Return the detector's part of the settings."""
    return DetectorConfig(
        window_seconds=settings.cascade_window_seconds,
        min_events=settings.cascade_min_events,
        min_value_usd=settings.cascade_min_value_usd,
        min_value_usd_by_asset=settings.cascade_min_value_usd_by_asset,
        start_nats=settings.cascade_start_nats,
        score_gate=settings.cascade_score_gate,
    )


def _count(results: Sequence[BatchResult], sent: asyncio.Future[Any]) -> None:
    """Update the metrics of a batch's results after all its records are acknowledged."""
    if sent.cancelled() or sent.exception() is not None:
        return
    for result in results:
        for reason, count in result.left_out.items():
            if count:
                LEFT_OUT.labels(reason).inc(count)
        for alert in result.alerts:
            measure(alert)
