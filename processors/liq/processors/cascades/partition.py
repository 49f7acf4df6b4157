"""The detector of one partition of the event log: the states of all its assets."""

import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from liq.processors.cascades import asset as one_asset
from liq.processors.cascades.alerts import alert as alert_of
from liq.processors.cascades.alerts import cascade_id
from liq.processors.cascades.asset import SIDES, AssetState, LeftOut, Step
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.blind_venues import FORGOTTEN_SECONDS, BlindVenues
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.observation import EventView, Observation, view_event
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.share import Share
from liq.processors.cascades.snapshot import asset_from_bytes, asset_to_bytes
from liq.processors.cascades.snapshot_frame import SnapshotError
from liq.processors.cascades.venue_clocks import VenueClocks
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import HOUR_SECONDS, SECOND_MS
from liq.schemas.vocabulary import Caveat, Side

OFFSET = struct.Struct(">q")
# The interval, in the log's time, between searches for idle assets.
SWEEP_INTERVAL_MS = 600_000
# Twice the memory of an asset's dollars; older baselines no longer describe the asset.
IDLE_SECONDS: Final = 48 * HOUR_SECONDS
# A restart reads the uncommitted records again, at most this many. Until an asset's last record
# lies further back, its snapshot is needed to skip the records that were applied.
REDELIVERY_REACH_RECORDS = 100_000

# A heartbeat this far ahead of the records before and after it is not the log's clock.
JUMP_SECONDS: Final = 1_800

Made = Beat | CascadeAlert


@dataclass(slots=True)
class _Asset:
    state: AssetState
    rules: LaneRules
    last_offset: int


class PartitionDetector:
    """The detector of one partition: applies records in offset order and serializes its state.

    It returns the alerts of single assets, and beats for the market's detector, which also reads
    the alerts to link them to market cascades. An asset skips records at offsets that it has
    already applied, so reading a stretch of the log again changes nothing. `left_out` counts since
    the creation of this object.
    """

    def __init__(self, config: DetectorConfig) -> None:
        """Start without assets."""
        self._config = config
        self._detector = config.identity
        self._assets: dict[str, _Asset] = {}
        self._pending: set[str] = set()
        self._open: set[str] = set()
        self._touched: set[str] = set()
        self._second = 0
        # The clock before a heartbeat that jumped, until the next record confirms the jump.
        self._jumped_from: int | None = None
        self._next_sweep_ms = 0
        self.venue_clocks = VenueClocks()
        self.blind_venues = BlindVenues()
        #: The assets that belong to the partition; None if all do.
        self.share: Share | None = None
        self.left_out = LeftOut()

    @property
    def assets(self) -> frozenset[str]:
        """The assets that have a state."""
        return frozenset(self._assets)

    @property
    def clock_ms(self) -> int:
        """The last second that the log has reached so far (UTC, ms)."""
        return self._second * SECOND_MS

    @property
    def jumped_from_ms(self) -> int | None:
        """The clock (UTC, ms) before an unconfirmed heartbeat that jumped; None otherwise."""
        return None if self._jumped_from is None else self._jumped_from * SECOND_MS

    @property
    def last_offset(self) -> int:
        """The highest offset that any asset has applied; -1 without assets."""
        return max((asset.last_offset for asset in self._assets.values()), default=-1)

    def branching(self, asset: str, side: Side) -> float | None:
        """Return the branching ratio; None before enough events of complete feeds."""
        known = self._assets.get(asset)
        return None if known is None else known.state.excitations[side].ratio

    def active_lanes(self, asset: str) -> int:
        """Return how many sides of an asset had liquidations in the last five minutes."""
        known = self._assets.get(asset)
        if known is None:
            return 0
        return sum(bool(lane.ring.buckets) for lane in known.state.lanes.values())

    def apply(self, event: Liquidation, offset: int) -> list[Made]:
        """Apply the liquidation at an offset."""
        return self.apply_view(view_event(event), offset)

    def apply_view(self, view: EventView, offset: int) -> list[Made]:
        """Apply the view of the liquidation at an offset.

        A liquidation that arrived as history changes neither cascades nor baselines nor the clock.
        """
        if view is None:
            self.left_out.history += 1
            return []
        if isinstance(view, Observation):
            return self.observe(view, offset)
        self.left_out.implausible += 1
        second = view.received_at_ms // SECOND_MS
        self._check_jump(second)
        return self._move(second, offset) if second > self._second else []

    def observe(self, event: Observation, offset: int) -> list[Made]:
        """Apply a plausible liquidation at an offset."""
        second = event.received_at_ms // SECOND_MS
        if self._jumped_from is not None:
            self._check_jump(second)
        made = self._move(second, offset) if second > self._second else []
        lag_ms = self.venue_clocks.lag_ms(event.exchange, event.received_at_ms, event.timestamp_ms)
        if lag_ms:
            event = event._replace(timestamp_ms=event.timestamp_ms + lag_ms)
        name = event.base
        asset = self._assets.get(name)
        if asset is None:
            rules = self._config.asset_rules(name)
            asset = self._assets[name] = _Asset(AssetState(rules), rules, offset)
        elif offset <= asset.last_offset:
            return made
        if one_asset.observe(asset.rules, asset.state, event, self.left_out):
            self._pending.add(name)
        asset.last_offset = offset
        self._touched.add(name)
        return made

    def heartbeat(self, clock_ms: int, offset: int, blind: Iterable[str] = ()) -> list[Made]:
        """Advance the log's clock to the heartbeat at an offset, and return what is due.

        `blind` are the venues that the heartbeat names. A heartbeat far ahead of the records on
        both sides of it moves the clock only until the next record, so it makes no record late.
        """
        second = clock_ms // SECOND_MS
        self._check_jump(second)
        if second >= self._second + JUMP_SECONDS:
            self._jumped_from = self._second
        self.blind_venues.note(second, blind)
        made = self._move(second, offset) if second > self._second else []
        if clock_ms >= self._next_sweep_ms:
            self._next_sweep_ms = clock_ms + SWEEP_INTERVAL_MS
            self._drop_idle(clock_ms, offset)
            self.blind_venues.forget_before(second - FORGOTTEN_SECONDS)
        return made

    def finish(self) -> list[Made]:
        """Decide all pending ticks and end all open cascades, at the end of a log."""
        made: list[Made] = []
        for name in sorted(self._pending | self._open):
            asset = self._assets[name]
            if asset.state.news:
                made += self._decide(name, asset)
        for name in sorted(self._open):
            asset = self._assets[name]
            steps = [
                Step(side, lane.end(asset.rules, lane.cascade))
                for side in SIDES
                if (lane := asset.state.lanes[side]).cascade is not None
            ]
            made += self._alerts(name, asset, steps)
        self._pending.clear()
        return made

    def touched(self) -> dict[str, bytes | None]:
        """Return the snapshots of the assets that changed since the last call; None to delete."""
        changes: dict[str, bytes | None] = {}
        for name in sorted(self._touched):
            asset = self._assets.get(name)
            changes[name] = (
                None
                if asset is None
                else OFFSET.pack(asset.last_offset) + asset_to_bytes(asset.state)
            )
        self._touched.clear()
        return changes

    def restore(
        self, snapshots: Mapping[str, bytes], clock_ms: int, jumped_from_ms: int | None = None
    ) -> dict[str, str]:
        """Load the snapshots that `touched` returned, the newest of each asset.

        `clock_ms` and `jumped_from_ms` are the clocks at the next record to read, if known. Later
        records cannot replace them where the log is out of order.

        Returns:
            The reason for each asset with an unreadable snapshot; such an asset has no state.
        """
        unreadable: dict[str, str] = {}
        self._set_clocks(clock_ms, jumped_from_ms)
        for name, data in snapshots.items():
            rules = self._config.asset_rules(name)
            try:
                (last_offset,) = OFFSET.unpack_from(data)
                state = asset_from_bytes(data[OFFSET.size :], rules)
            except (struct.error, SnapshotError) as error:
                unreadable[name] = str(error)
                continue
            self._put(name, _Asset(state, rules, last_offset))
        return unreadable

    def go_on(self, published: Mapping[str, int]) -> set[str]:
        """Continue the published cascades after a rebuild, and drop the others.

        `published` maps the id of each open cascade to its last sequence number. Returns the ids of
        the cascades that continue.
        """
        going_on = set()
        for name in sorted(self._open):
            asset = self._assets[name]
            for side in SIDES:
                lane = asset.state.lanes[side]
                if lane.cascade is None:
                    continue
                found = cascade_id(asset.rules, self._detector, name, side, lane.cascade)
                if found in published:
                    lane.cascade.sequence = published[found] + 1
                    asset.state.is_rebuilt = True
                    going_on.add(found)
                else:
                    lane.end(asset.rules, lane.cascade)
            if not asset.state.is_open:
                self._open.discard(name)
            self._touched.add(name)
        return going_on

    def adopt(self, rebuilt: "PartitionDetector", names: Collection[str] | None) -> None:
        """Copy assets from a detector that has read the log again; all of them if `names` is None.

        A detector without a clock also adopts the clocks and venues of the rebuilt one.
        """
        known = rebuilt._assets  # noqa: SLF001 - of the same class
        for name in known if names is None else known.keys() & set(names):
            self._put(name, known[name])
            self._touched.add(name)
        if self.share is not None and rebuilt.share is not None:
            self.share.adopt(rebuilt.share)
        if not self._second:
            self._set_clocks(rebuilt.clock_ms, rebuilt.jumped_from_ms)
            self.venue_clocks = rebuilt.venue_clocks
            self.blind_venues = rebuilt.blind_venues

    def hand_over(self, is_own: Callable[[str], bool]) -> dict[str, bytes]:
        """Remove the assets that belong to other partitions; return their snapshots."""
        leaving = {}
        for name in sorted(self._assets):
            if not is_own(name):
                asset = self._assets.pop(name)
                leaving[name] = OFFSET.pack(asset.last_offset) + asset_to_bytes(asset.state)
                self._pending.discard(name)
                self._open.discard(name)
                self._touched.add(name)
        return leaving

    def take_in(self, snapshots: Mapping[str, bytes], offset: int) -> dict[str, str]:
        """Adopt assets from other partitions, which continue after an offset of this log.

        The other partitions have reached the same second as this one at that offset. An asset that
        has already applied this log up to the offset stays unchanged.

        Returns:
            The reason for each asset with an unreadable snapshot; such an asset is not adopted.
        """
        unreadable: dict[str, str] = {}
        for name in sorted(snapshots):
            known = self._assets.get(name)
            if known is not None and known.last_offset >= offset:
                continue
            rules = self._config.asset_rules(name)
            try:
                state = asset_from_bytes(snapshots[name][OFFSET.size :], rules)
            except SnapshotError as error:
                unreadable[name] = str(error)
                continue
            self._put(name, _Asset(state, rules, offset))
            self._touched.add(name)
        return unreadable

    def hand_off(
        self, growth: str, count: int, clock_ms: int, offset: int
    ) -> tuple[list[Made], dict[str, tuple[int, bytes]]]:
        """Decide up to the common clock of a growth to `count` partitions, and hand over assets.

        Returns:
            The outputs, and for each leaving asset its new partition and snapshot.
        """
        made = self.heartbeat(clock_ms, offset) if clock_ms else []
        share = self.share
        if share is None or not share.hand_off(growth, count):
            return made, {}
        leaving = self.hand_over(share.is_own)
        return made, {asset: (share.owner_of(asset), data) for asset, data in leaving.items()}

    def learn(self, venues: str, blind: str) -> None:
        """Adopt the serialized venue clocks and blind venues of other partitions."""
        self.venue_clocks.adopt(VenueClocks.from_text(venues))
        self.blind_venues.adopt(BlindVenues.from_text(blind))

    def heal(self, bound_ms: int) -> list[Made]:
        """Discard impossible state: a clock and states of assets beyond a time (UTC, ms).

        Releases that did not bound the log's clock may have stored such state. Returns the ends of
        the open cascades of discarded assets.
        """
        bound = bound_ms // SECOND_MS
        self._second = min(self._second, bound)
        self._jumped_from = None
        made: list[Made] = []
        for name in sorted(self._assets):
            asset = self._assets[name]
            if asset.state.newest <= bound:
                continue
            steps = [
                Step(side, lane.end(asset.rules, lane.cascade))
                for side in SIDES
                if (lane := asset.state.lanes[side]).cascade is not None
            ]
            made += self._alerts(name, asset, steps)
            del self._assets[name]
            self._pending.discard(name)
            self._touched.add(name)
        return made

    def newest_ms(self) -> int:
        """Return the latest time in the state (UTC, ms)."""
        newest = max((asset.state.newest for asset in self._assets.values()), default=0)
        return max(newest, self._second) * SECOND_MS

    def _put(self, name: str, asset: _Asset) -> None:
        self._assets[name] = asset
        if asset.state.is_open:
            self._open.add(name)
        if asset.state.news:
            self._pending.add(name)

    def _set_clocks(self, clock_ms: int, jumped_from_ms: int | None) -> None:
        self._second = clock_ms // SECOND_MS
        self._jumped_from = None if jumped_from_ms is None else jumped_from_ms // SECOND_MS

    def _check_jump(self, second: int) -> None:
        """Undo a jump of the clock that the next record, of the given second, does not confirm."""
        jumped_from, self._jumped_from = self._jumped_from, None
        if jumped_from is not None and second + JUMP_SECONDS <= self._second:
            self._second = max(jumped_from, second)
            self._next_sweep_ms = min(self._next_sweep_ms, self.clock_ms + SWEEP_INTERVAL_MS)

    def _move(self, second: int, offset: int) -> list[Made]:
        """Enter a new second of the log: decide the pending earlier ticks and end what is due."""
        self._second = second
        made: list[Made] = []
        for name in sorted(self._pending):
            asset = self._assets[name]
            if offset > asset.last_offset and asset.state.tick < second:
                made += self._decide(name, asset)
                asset.last_offset = offset - 1
                self._pending.discard(name)
                self._touched.add(name)
        for name in sorted(self._open):
            asset = self._assets[name]
            if offset <= asset.last_offset:
                continue
            steps = one_asset.end_due(asset.rules, asset.state, second)
            if steps:
                made += self._alerts(name, asset, steps)
                asset.last_offset = offset - 1
                self._touched.add(name)
        return made

    def _decide(self, name: str, asset: _Asset) -> list[Made]:
        blind = self.blind_venues.at(asset.state.tick)
        steps, beats = one_asset.decide(asset.rules, asset.state, name, blind)
        return [*beats, *(self._alerts(name, asset, steps) if steps else ())]

    def _alerts(self, name: str, asset: _Asset, steps: list[Step]) -> list[Made]:
        made: list[Made] = []
        for side, decision in steps:
            excitation = asset.state.excitations[side]
            alert = alert_of(
                asset.rules,
                self._detector,
                name,
                side,
                decision,
                excitation,
                self.blind_venues.at(decision.tick),
            )
            made.append(replace(alert, caveat=Caveat.REBUILT) if asset.state.is_rebuilt else alert)
        if asset.state.is_open:
            self._open.add(name)
        else:
            self._open.discard(name)
            asset.state.is_rebuilt = False
        return made

    def _drop_idle(self, clock_ms: int, offset: int) -> None:
        seen_since = clock_ms // SECOND_MS - IDLE_SECONDS
        idle = [
            name
            for name, asset in self._assets.items()
            if asset.state.seen < seen_since
            and offset - asset.last_offset > REDELIVERY_REACH_RECORDS
            and name not in self._open
            and name not in self._pending
        ]
        for name in idle:
            del self._assets[name]
            self._touched.add(name)
