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
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from aiokafka import TopicPartition

from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.early_end import end_early, open_cascades
from liq.processors.stages.alert_measures import measure
from liq.processors.stages.bounds import ClockBounds
from liq.processors.stages.checkpoints import Checkpoints, Snapshot
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.log_identity import LogPosition, Start, is_beyond, start_of
from liq.processors.stages.lost_state import lost_state_record
from liq.processors.stages.output import Output
from liq.processors.stages.rebuilding import read_alerts, rebuild
from liq.processors.stages.state import DetectorStateStore, RestoredState
from liq.runtime.log_gaps import topic_gap
from liq.runtime.logs import get_logger
from liq.runtime.metrics import LEFT_OUT
from liq.runtime.newest_append import newest_append_times
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Caveat, Scope

#: State this far ahead of its log contains a wrong clock. A smaller lead passes soon.
FUTURE_STATE_MS: Final = 60_000

State = TypeVar("State")
"""A detector, and the other values that its stage needs to continue."""

log = get_logger(__name__)


@dataclass(slots=True)
class OwnedPartition(Generic[State]):
    """A partition that this worker detects on, and its epoch in the state topic."""

    partition: int
    epoch: int
    state: State


@dataclass(slots=True)
class BatchResult:
    """A detector's output for a batch: the records to deliver, in order.

    `alerts` are the alerts among them that no other stage publishes again. `left_out` counts the
    skipped events of the batch by reason.
    """

    records: list[OutputRecord] = field(default_factory=list)
    alerts: list[CascadeAlert] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


class Group(Protocol):
    """The consumer group of a stage, limited to the stage's input topic."""

    def assigned(self) -> Collection[int]:
        """Return the partitions that the group assigns to this worker now."""

    async def committed_notes(self, partitions: Collection[int]) -> Mapping[int, str]:
        """Map each partition to the note committed with its offset."""

    async def positions(self, partitions: Collection[int]) -> Mapping[int, LogPosition]:
        """Map each partition to its log and the offset at which the group began to read it."""


class OwnedStage(ABC, Generic[State]):
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
        self._settings = settings
        self._input_topic = input_topic
        self._bounds = ClockBounds(f"{settings.worker_slot}:detect")
        self._topics = settings.topics
        self._config = detector_config(settings)
        self._output = output
        self._group = group
        self._store = DetectorStateStore(settings, output, state_topic)
        self._owned: dict[int, OwnedPartition[State]] = {}
        self._releases = 0
        self._taking_over = asyncio.Lock()
        # The published alerts, read once for all partitions of one take-over.
        self._published: list[CascadeAlert] | None = None
        self._checkpoints = Checkpoints(output, self._capture, settings.checkpoint_seconds)

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

    async def _begin(
        self, restored: RestoredState, position: LogPosition, note: str
    ) -> tuple[State, list[OutputRecord]]:
        """Return the state to continue from, and the records that report how it began.

        On return, `restored` has the snapshots of that state.
        """
        start = start_of(position, restored.log, is_claimed=restored.is_claimed)
        if start is Start.SNAPSHOTS:
            state = await self._restore(restored, note)
            if not is_beyond(position, self._last_offset(state)):
                if position.offset and not note:
                    await self._relearn(state, restored.partition, position.offset)
                records = self._left_records(restored.partition, state)
                records += await self._change_detector(restored, state)
                if restored.lost:
                    state, more = await self._rebuild(restored, position, state, set(restored.lost))
                    records += more
                return state, records
            start = Start.NEW_LOG
        restored.forget()
        if start is Start.NEW_LOG:
            state = await self._restore(restored, "")
            return state, await self._begin_log(restored, position)
        state = await self._restore(restored, note)
        return await self._rebuild(restored, position, state, None)

    async def _change_detector(self, restored: RestoredState, state: State) -> list[OutputRecord]:
        """End the cascades of a detector with other settings: this detector's ids differ."""
        identity = self._config.identity
        if restored.detector == identity or not restored.snapshots:
            return []
        left = await self._left_alerts()
        opened = open_cascades([*await self._alerts(), *left], until_ms=None)
        ended = [
            end_early(newest, Caveat.DETECTOR_CHANGED)
            for newest in opened.values()
            if newest.detector != identity
            and not _is_lost(newest, restored.lost)
            and await self._is_own(newest, restored.partition)
        ]
        if not ended:
            return []
        self._go_on(state, {})
        self._keep_changes(restored, state)
        log.warning("detector_changed", detector=identity, ended=len(ended))
        names = {each.cascade_id for each in ended}
        published = {each.alert_id for each in await self._alerts()}
        before = [
            alert for alert in left if alert.cascade_id in names and alert.alert_id not in published
        ]
        return self._end_records(restored.partition, [*before, *ended])

    async def _begin_log(
        self, restored: RestoredState, position: LogPosition
    ) -> list[OutputRecord]:
        """End the open cascades of the previous log, which receives no further records."""
        opened = open_cascades(await self._alerts(), until_ms=None)
        ended = [
            end_early(newest, Caveat.LOG_REPLACED)
            for newest in opened.values()
            if await self._is_own(newest, restored.partition)
        ]
        log_name = position.log or f"epoch {restored.epoch}"
        records = [
            *self._end_records(restored.partition, ended),
            *self._log_records(restored.partition, log_name),
        ]
        detail = (
            f"detection begins anew with partition {restored.partition} of {self._input_topic}, "
            f"another log than before; {len(ended)} open cascades are ended"
        )
        log.warning("log_begins", detail=detail, log=log_name)
        gap = topic_gap(self._settings, "detect", self._input_topic, detail)
        return [*records, feed_record(self._topics.feeds, gap)]

    async def _rebuild(
        self,
        restored: RestoredState,
        position: LogPosition,
        state: State,
        lost: Collection[str] | None,
    ) -> tuple[State, list[OutputRecord]]:
        """Rebuild lost snapshots from the last day of the log, up to the offset to continue from.

        If `lost` is None, all snapshots are lost.
        """
        partition = restored.partition
        rebuilt = await self._restore(RestoredState(partition, restored.epoch, {}), "")
        owned = OwnedPartition(partition, restored.epoch, rebuilt)
        until = position.offset or 0
        count = await rebuild(
            self._settings,
            TopicPartition(self._input_topic, partition),
            until,
            lambda batch: self._apply(owned, batch),
        )
        # A log that is read from its beginning repeats all alerts, so no cascade is ended here.
        alerts = await self._alerts() if until else []
        until_ms = self._clock_ms(state) or self._clock_ms(rebuilt) or None
        opened = {
            name: newest
            for name, newest in open_cascades(alerts, until_ms).items()
            if await self._is_own(newest, partition) and _is_lost(newest, lost)
        }
        going_on = self._go_on(rebuilt, {name: each.sequence for name, each in opened.items()})
        ended = [
            end_early(newest, Caveat.STATE_LOST)
            for name, newest in opened.items()
            if name not in going_on
        ]
        state = self._adopt(state, rebuilt, lost)
        self._keep_changes(restored, state)
        outcome = (
            f"rebuilt from {count} records of {self._input_topic}; {len(going_on)} open cascades "
            f"go on, marked, and {len(ended)} are ended"
        )
        lost_record = lost_state_record(self._settings, self._store.topic, restored, outcome)
        return state, [*self._end_records(partition, ended), lost_record]

    async def _alerts(self) -> list[CascadeAlert]:
        """Return the published alerts, read once a take-over: partitions share no cascades."""
        if self._published is None:
            self._published = await read_alerts(self._settings)
        return self._published

    def _keep_changes(self, restored: RestoredState, state: State) -> None:
        """Add the snapshots that have changed since the state was restored to those to claim."""
        for name, data in self._changes(state).items():
            restored.snapshots.pop(name, None)
            if data is not None:
                restored.snapshots[name] = data

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

    def _note(self, state: State) -> str:  # noqa: ARG002 - most stages need none
        """Return the note to commit with the offset that the state has reached."""
        return ""

    async def _relearn(self, state: State, partition: int, until: int) -> None:
        """Learn the content of a note from the log, for an offset that was committed without it."""

    @abstractmethod
    async def _restore(self, restored: RestoredState, note: str) -> State:
        """Return the state in a partition's snapshots, and log the take-over.

        `note` was committed with the offset to continue from; empty without one. Unreadable
        snapshots do not count: `RestoredState.restore` falls back to older ones.
        """

    @abstractmethod
    def _newest_ms(self, state: State) -> int:
        """Return the latest time (UTC, ms) in a state."""

    @abstractmethod
    def _heal(self, owned: OwnedPartition[State], bound_ms: int) -> list[OutputRecord]:
        """Remove from a state all data after `bound_ms`; return the ends of its cascades."""

    @abstractmethod
    def _last_offset(self, state: State) -> int:
        """Return the highest offset applied to the state; -1 before the first record."""

    @abstractmethod
    def _clock_ms(self, state: State) -> int:
        """Return the time (UTC, ms) up to which the state has decided."""

    @abstractmethod
    def _go_on(self, state: State, published: Mapping[str, int]) -> set[str]:
        """Continue the open cascades that were published, and drop the others.

        `published` maps cascade ids to their last sequence numbers. Returns the continued ids.
        """

    @abstractmethod
    def _adopt(self, state: State, rebuilt: State, lost: Collection[str] | None) -> State:
        """Return the state with the lost snapshots taken from a rebuilt one; None means all."""

    @abstractmethod
    async def _is_own(self, alert: CascadeAlert, partition: int) -> bool:
        """Return whether an alert belongs to this stage's detection in a partition."""

    @abstractmethod
    def _end_records(self, partition: int, ended: Sequence[CascadeAlert]) -> list[OutputRecord]:
        """Return the records that publish ends which no record of the log has caused."""

    def _left_records(self, partition: int, state: State) -> list[OutputRecord]:  # noqa: ARG002 - most have none
        """Return the alerts in a restored state that an older release would have published."""
        return []

    async def _left_alerts(self) -> list[CascadeAlert]:
        """Return the alerts that an older release decided and may not have published."""
        return []

    def _log_records(self, partition: int, log_name: str) -> list[OutputRecord]:  # noqa: ARG002 - most have no readers
        """Return the records that inform the readers of this stage about a new log."""
        return []

    async def _prepare(
        self, batches: Sequence[tuple[OwnedPartition[State], Sequence[Any]]]
    ) -> None:
        """Read from Kafka the data that batches need beside the states; most stages need none."""

    def _passed_on(self, owned: OwnedPartition[State]) -> list[OutputRecord]:  # noqa: ARG002 - most pass nothing on
        """Return, once, the snapshots that move from a partition to others."""
        return []

    def _share_records(self, owned: OwnedPartition[State]) -> list[OutputRecord]:  # noqa: ARG002 - most have all
        """Return the records that store a partition's share of the assets, if it has changed."""
        return []

    @abstractmethod
    def _apply(self, owned: OwnedPartition[State], batch: Sequence[Any]) -> BatchResult:
        """Apply a batch to the detector, and return the records to deliver."""

    @abstractmethod
    def _changes(self, state: State) -> Mapping[str, bytes | None]:
        """Return the snapshots, by key, that changed since the last call; None deletes one."""

    def _gauge(self, state: State, keys: Iterable[str]) -> None:
        """Update the gauges of the keys whose state has changed."""


def _is_lost(alert: CascadeAlert, lost: Collection[str] | None) -> bool:
    """Return whether an alert belongs to a lost snapshot; the market has a single snapshot."""
    if not lost:
        return lost is None
    return alert.scope is Scope.MARKET or alert.asset in lost


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
