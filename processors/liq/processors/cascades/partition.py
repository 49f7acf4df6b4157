"""The detector of one partition of the event log: the states of all its assets."""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from liq.processors.cascades import asset as one_asset
from liq.processors.cascades.alerts import alert as alert_of
from liq.processors.cascades.alerts import cascade_id
from liq.processors.cascades.asset import SIDES, AssetState, LeftOut, Step
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.observation import EventView, Observation, view_event
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.snapshot import SnapshotError, asset_from_bytes, asset_to_bytes
from liq.processors.cascades.venue_clocks import VenueClocks
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import HOUR_SECONDS, SECOND_MS
from liq.schemas.vocabulary import Caveat, Side

OFFSET = struct.Struct(">q")
# Idle assets are looked for once in so much of the log's time.
SWEEP_INTERVAL_MS = 600_000
# Twice the memory of an asset's dollars: what was normal then is no guide any more.
IDLE_SECONDS: Final = 48 * HOUR_SECONDS
# A restart reads again what was not committed, never more than this many records. Until an
# asset's last record lies further back, its snapshot is needed to tell what was applied.
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
    """Applies the records of one partition in offset order and says what to store.

    Gives the alerts of single assets, and beats for the market's detector, which reads the alerts
    too: it links cascades to the market's. A record is skipped for an asset that has applied its
    offset already, so reading a stretch of the log again changes nothing. `left_out` counts since
    this object was made.
    """

    def __init__(self, config: DetectorConfig) -> None:
        """Start with no asset known."""
        self._config = config
        self._detector = config.identity
        self._assets: dict[str, _Asset] = {}
        self._pending: set[str] = set()
        self._open: set[str] = set()
        self._touched: set[str] = set()
        self._second = 0
        # The clock before a heartbeat that jumped, until the next record confirms it.
        self._jumped_from: int | None = None
        self._next_sweep_ms = 0
        self.venue_clocks = VenueClocks()
        self.left_out = LeftOut()

    @property
    def assets(self) -> frozenset[str]:
        """The assets that something is known of."""
        return frozenset(self._assets)

    @property
    def clock_ms(self) -> int:
        """The last second that the log has reached, as far as it was read since the start."""
        return self._second * SECOND_MS

    @property
    def jumped_from_ms(self) -> int | None:
        """The clock before a heartbeat that jumped and is not confirmed yet."""
        return None if self._jumped_from is None else self._jumped_from * SECOND_MS

    @property
    def last_offset(self) -> int:
        """The highest offset that any asset has applied; -1 where none has."""
        return max((asset.last_offset for asset in self._assets.values()), default=-1)

    def branching(self, asset: str, side: Side) -> float | None:
        """How many liquidations one triggers; None while too few came from complete feeds."""
        known = self._assets.get(asset)
        return None if known is None else known.state.excitations[side].ratio

    def active_lanes(self, asset: str) -> int:
        """How many sides of an asset hold anything of the last five minutes."""
        known = self._assets.get(asset)
        if known is None:
            return 0
        return sum(bool(lane.ring.buckets) for lane in known.state.lanes.values())

    def apply(self, event: Liquidation, offset: int) -> list[Made]:
        """Apply the liquidation at an offset."""
        return self.apply_view(view_event(event), offset)

    def apply_view(self, view: EventView, offset: int) -> list[Made]:
        """Apply what the detector looks at of the liquidation at an offset.

        What is late by nature changes nothing: no cascade of the present, no baseline, no clock.
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
        """Apply what the detector looks at of a plausible liquidation."""
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

    def heartbeat(self, clock_ms: int, offset: int) -> list[Made]:
        """Decide what is due now that the log, at an offset, has reached a time.

        A heartbeat far ahead of the records on both sides of it does not stay the clock: whoever
        wrote it, the records that follow are not late for it.
        """
        second = clock_ms // SECOND_MS
        self._check_jump(second)
        if second >= self._second + JUMP_SECONDS:
            self._jumped_from = self._second
        made = self._move(second, offset) if second > self._second else []
        if clock_ms >= self._next_sweep_ms:
            self._next_sweep_ms = clock_ms + SWEEP_INTERVAL_MS
            self._drop_idle(clock_ms, offset)
        return made

    def finish(self) -> list[Made]:
        """Decide what is pending and end what is open, for a log that will not go on."""
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
        """Snapshots of the assets that changed since the last call; None where one may go."""
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
        """Take over what `touched` gave, the newest of each asset.

        `clock_ms` and `jumped_from_ms` are those at the record to read next, as far as they are
        known. In a log that is out of order, no later record may tell them.

        Returns:
            The reason, by asset, where a snapshot cannot be read: nothing is known of the asset.
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
        """After a rebuild, go on with the cascades that readers know, and drop the others.

        `published` has the last sequence number of each open cascade. Returns those that go on.
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
        """Take assets over from a detector that has read the log again; all where none are named.

        The clocks are those of the rebuilt detector where none are known.
        """
        known = rebuilt._assets  # noqa: SLF001 - of the same class
        for name in known if names is None else known.keys() & set(names):
            self._put(name, known[name])
            self._touched.add(name)
        if not self._second:
            self._set_clocks(rebuilt.clock_ms, rebuilt.jumped_from_ms)
            self.venue_clocks = rebuilt.venue_clocks

    def heal(self, bound_ms: int) -> list[Made]:
        """Forget what cannot be: a clock, and states of assets, beyond a time.

        A release before the log's clock was bounded may have stored them. An open cascade of such
        an asset is ended; its alerts are returned.
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
        """Return the latest time that anything of the state is about."""
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
        """Step back from a jump that the record after it, at a second, does not confirm."""
        jumped_from, self._jumped_from = self._jumped_from, None
        if jumped_from is not None and second + JUMP_SECONDS <= self._second:
            self._second = max(jumped_from, second)
            self._next_sweep_ms = min(self._next_sweep_ms, self.clock_ms + SWEEP_INTERVAL_MS)

    def _move(self, second: int, offset: int) -> list[Made]:
        """The log enters a new second: decide on what the earlier ones brought."""
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
        steps, beats = one_asset.decide(asset.rules, asset.state, name)
        return [*beats, *(self._alerts(name, asset, steps) if steps else ())]

    def _alerts(self, name: str, asset: _Asset, steps: list[Step]) -> list[Made]:
        made: list[Made] = []
        for side, decision in steps:
            excitation = asset.state.excitations[side]
            alert = alert_of(asset.rules, self._detector, name, side, decision, excitation)
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
