"""The skeleton of the stages with state: one detector for each partition that the worker owns.

    own         the consumer group has assigned the partition, and a record of it arrives
    take over   read the partition's snapshots and claim it under a new epoch
    apply       pass a batch to the detector
    deliver     publish what the detector decides, and wait for the acknowledgements
    snapshot    write the state that the batch has changed, and wait again

Faust commits the batch's offsets afterwards. A crash in between repeats records under the same ids
and loses none (docs/decisions.md).
"""

import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from liq.processors.cascades import DetectorConfig
from liq.processors.stages.output import Output
from liq.processors.stages.state import DetectorStateStore, RestoredState
from liq.runtime.logs import get_logger
from liq.runtime.metrics import (
    ALERTS,
    ASSET_LABEL,
    CASCADE_RISK,
    EXCHANGE_TO_ALERT,
    LEFT_OUT,
    RECEIVED_TO_ALERT,
)
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType

State = TypeVar("State")
"""A detector, and whatever else its stage needs to continue it."""

log = get_logger(__name__)


@dataclass(slots=True)
class OwnedPartition(Generic[State]):
    """A partition that this worker detects on, and its epoch in the state topic."""

    partition: int
    epoch: int
    state: State


@dataclass(slots=True)
class BatchResult:
    """What a detector decides on a batch: the records to deliver, in order.

    `alerts` are the alerts among them that no other stage publishes again. `left_out` counts the
    batch's ignored events by reason.
    """

    records: list[OutputRecord] = field(default_factory=list)
    alerts: list[CascadeAlert] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


class OwnedStage(ABC, Generic[State]):
    """Runs one detector for each partition that the consumer group assigns to this worker."""

    def __init__(
        self,
        settings: Settings,
        output: Output,
        is_assigned: Callable[[int], bool],
        state_topic: str,
    ) -> None:
        """State lives in memory and, after every batch, in `state_topic`.

        `is_assigned` returns whether the consumer group assigns an input partition to this worker
        now.
        """
        self._topics = settings.topics
        self._config = detector_config(settings)
        self._output = output
        self._is_assigned = is_assigned
        self._store = DetectorStateStore(settings, output, state_topic)
        self._owned: dict[int, OwnedPartition[State]] = {}

    def release(self) -> None:
        """Forget every partition: a rebalance may have assigned it to another worker meanwhile."""
        self._owned.clear()

    async def handle(self, messages: Sequence[Any]) -> None:
        """Detect on a batch: alerts first, then snapshots; offsets are committed after both."""
        by_partition: dict[int, list[Any]] = defaultdict(list)
        for message in messages:
            by_partition[message.partition].append(message)
        for partition, batch in by_partition.items():
            # Faust may hand out records before it has announced their partition, so the first
            # record of a partition starts the take-over.
            owned = self._owned.get(partition)
            if owned is None and self._is_assigned(partition):
                owned = await self._take_over(partition)
            if owned is None:
                # Read before a rebalance took the partition away; its new owner reads it again.
                log.info("batch_of_lost_partition", partition=partition, records=len(batch))
                continue
            await self._detect(owned, batch)

    async def _take_over(self, partition: int) -> OwnedPartition[State]:
        restored = await self._store.take_over(partition)
        state = await self._restore(restored)
        owned = self._owned[partition] = OwnedPartition(partition, restored.epoch, state)
        return owned

    async def _detect(self, owned: OwnedPartition[State], batch: Sequence[Any]) -> None:
        result = self._apply(owned, batch)
        await self._output.deliver(result.records)
        changes = self._changes(owned.state)
        await self._store.write(owned.partition, owned.epoch, changes)
        _count(result)
        self._gauge(owned.state, changes)

    @abstractmethod
    async def _restore(self, restored: RestoredState) -> State:
        """Return the state that a partition's snapshots hold, and log the take-over.

        Raises:
            SnapshotError: a snapshot is damaged.
        """

    @abstractmethod
    def _apply(self, owned: OwnedPartition[State], batch: Sequence[Any]) -> BatchResult:
        """Pass a batch to the detector, and return what to deliver."""

    @abstractmethod
    def _changes(self, state: State) -> Mapping[str, bytes | None]:
        """Return the snapshots, by key, that have changed since the last call; None deletes one."""

    def _gauge(self, state: State, keys: Iterable[str]) -> None:
        """Update the gauges of the keys whose state has changed."""


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


def _count(result: BatchResult) -> None:
    for reason, count in result.left_out.items():
        LEFT_OUT.labels(reason).inc(count)
    for alert in result.alerts:
        _measure(alert)


def _measure(alert: CascadeAlert) -> None:
    """Count a published alert, and measure its delay since the second that it decides on."""
    ALERTS.labels(alert.type).inc()
    # A link repeats numbers that were published before.
    if alert.type in {AlertType.WATCH, AlertType.LINKED}:
        return
    asset = ASSET_LABEL.value(alert.asset or alert.scope)
    CASCADE_RISK.labels(asset, alert.side).set(
        0 if alert.type is AlertType.ENDED else alert.risk_score
    )
    if alert.type is not AlertType.ENDED and alert.analysis is not None:
        now_ms = time.time() * SECOND_MS
        EXCHANGE_TO_ALERT.observe(max(0.0, now_ms - alert.analysis.last_event_ms) / SECOND_MS)
        RECEIVED_TO_ALERT.observe(max(0.0, now_ms - alert.timestamp_ms) / SECOND_MS)
    log.info("cascade", type=alert.type, cascade_id=alert.cascade_id, text=alert.explanation)
