"""The detector of one partition of the event log: the states of all its assets."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from processors.cascades.config import DetectorConfig
from processors.cascades.detector import CascadeDetector
from processors.cascades.snapshot import SnapshotError, from_bytes, to_bytes
from processors.cascades.state import AssetState
from schemas.records import CascadeAlert, Liquidation

OFFSET = struct.Struct(">q")
# Idle assets are looked for once in so much of the log's time.
SWEEP_INTERVAL_MS = 60_000
# A restart reads again what was not committed, never more than this many records. Until an
# asset's last record lies further back, its snapshot is needed to tell what was applied.
REDELIVERY_REACH_RECORDS = 100_000


@dataclass(slots=True)
class _Asset:
    state: AssetState
    last_offset: int


class PartitionDetector:
    """Applies the records of one partition in offset order and says what to store.

    A record is skipped for an asset that has applied its offset already, so reading a stretch of
    the log again changes nothing. `duplicates`, `late`, `implausible` and `future` count, since
    this object was made, the events that were left out as repeated, too old or impossible, and
    those that were moved back from the future.
    """

    def __init__(self, config: DetectorConfig) -> None:
        """Start with no asset known."""
        self._detector = CascadeDetector(config)
        self._window_ms = config.window_ms
        self._assets: dict[str, _Asset] = {}
        self._open: set[str] = set()
        self._touched: set[str] = set()
        self._next_sweep_ms = 0
        self.duplicates = 0
        self.late = 0
        self.implausible = 0
        self.future = 0

    @property
    def assets(self) -> frozenset[str]:
        """The assets that something is known of."""
        return frozenset(self._assets)

    def apply(self, event: Liquidation, offset: int) -> list[CascadeAlert]:
        """Apply the liquidation at an offset."""
        asset = self._assets.get(event.base)
        if asset is None:
            asset = self._assets[event.base] = _Asset(self._detector.new_state(), offset)
        elif offset <= asset.last_offset:
            return []
        before = asset.state
        counts = before.duplicates, before.late, before.implausible, before.future
        asset.state, alerts = self._detector.step(before, event)
        self._count(asset.state, counts)
        self._mark(event.base, asset, offset)
        return alerts

    def heartbeat(self, clock_ms: int, offset: int) -> list[CascadeAlert]:
        """End what is over now that the log, at an offset, has reached a time."""
        made: list[CascadeAlert] = []
        for name in sorted(self._open):
            asset = self._assets[name]
            if offset <= asset.last_offset:
                continue
            asset.state, alerts = self._detector.advance(asset.state, clock_ms)
            if alerts:
                made += alerts
                self._mark(name, asset, offset)
        if clock_ms >= self._next_sweep_ms:
            self._next_sweep_ms = clock_ms + SWEEP_INTERVAL_MS
            self._drop_idle(clock_ms, offset)
        return sorted(made, key=_alert_order)

    def finish(self) -> list[CascadeAlert]:
        """The ends of what is still open, for a log that will not go on."""
        made = [
            alert
            for name in sorted(self._open)
            for alert in self._detector.finish(self._assets[name].state)
        ]
        return sorted(made, key=_alert_order)

    def touched(self) -> dict[str, bytes | None]:
        """Snapshots of the assets that changed since the last call; None where one may go."""
        changes: dict[str, bytes | None] = {}
        for name in sorted(self._touched):
            asset = self._assets.get(name)
            changes[name] = (
                None if asset is None else OFFSET.pack(asset.last_offset) + to_bytes(asset.state)
            )
        self._touched.clear()
        return changes

    def restore(self, snapshots: Mapping[str, bytes]) -> None:
        """Take over what `touched` gave, the newest of each asset.

        Raises:
            SnapshotError: a snapshot cannot be read; the message names its asset.
        """
        for name, data in snapshots.items():
            try:
                (last_offset,) = OFFSET.unpack_from(data)
                state = from_bytes(data[OFFSET.size :], self._window_ms)
            except (struct.error, SnapshotError) as error:
                raise SnapshotError(f"snapshot of {name}: {error}") from error
            self._assets[name] = _Asset(state, last_offset)
            if state.open_cascades:
                self._open.add(name)

    def _mark(self, name: str, asset: _Asset, offset: int) -> None:
        asset.last_offset = offset
        self._touched.add(name)
        if asset.state.open_cascades:
            self._open.add(name)
        else:
            self._open.discard(name)

    def _count(self, state: AssetState, before: tuple[int, int, int, int]) -> None:
        duplicates, late, implausible, future = before
        self.duplicates += state.duplicates - duplicates
        self.late += state.late - late
        self.implausible += state.implausible - implausible
        self.future += state.future - future

    def _drop_idle(self, clock_ms: int, offset: int) -> None:
        idle = [
            name
            for name, asset in self._assets.items()
            if offset - asset.last_offset > REDELIVERY_REACH_RECORDS
            and self._detector.is_idle(asset.state, clock_ms)
        ]
        for name in idle:
            del self._assets[name]
            self._touched.add(name)


_alert_order: Callable[[CascadeAlert], tuple[int, str, str]] = attrgetter(
    "timestamp_ms", "asset", "side"
)
