"""The parts of a stage with state that depend on what it detects.

A stage gives these methods to `OwnedStage`, which calls them: it restores the state of a partition,
applies batches to it and reports its changes.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from liq.processors.stages.state import RestoredState
from liq.runtime.sending import OutputRecord
from liq.schemas.records import CascadeAlert

State = TypeVar("State")
"""A detector, and the other values that its stage needs to continue."""


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


class StageHooks(ABC, Generic[State]):
    """What a stage knows of its own states: how they begin, change and end."""

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
