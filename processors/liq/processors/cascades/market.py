"""The detector of the whole market, which also links asset cascades to market cascades.

It reads beats and the alerts of single assets from every partition of the log (a "source"), and
evaluates a second when every source has passed it. So its output depends neither on the
interleaving of the sources nor on the partitioning of the log.

The stage that decides an asset's alert publishes it. The market's detector adds one link for each
asset cascade that is part of a market cascade.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from liq.processors.cascades.alerts import alert as alert_of
from liq.processors.cascades.alerts import link
from liq.processors.cascades.asset import OPPOSITE, SIDES
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.cascade import Decision
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.early_end import mark_early
from liq.processors.cascades.explain import explain
from liq.processors.cascades.held_parts import (
    BLOCK_SECONDS,
    Held,
    HeldParts,
    PackedBlock,
    add_later,
)
from liq.processors.cascades.known_beats import KnownBeats
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.observation import cents as cents_of
from liq.processors.cascades.prices import NO_SERIES
from liq.processors.cascades.ring import LONG_SECONDS
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat, Side

# The market has no price.
_NO_PRICE = Decimal(0)
# Ended cascades that are remembered, because a batch that is read twice repeats their alerts.
REMEMBERED_CASCADES = 4_096
MAX_CHILDREN = 256
# A cascade that starts this soon after a start or escalation of the market is part of it. Later, it
# is part of it only if its dollars are at most this share of the market's last minute.
TOLD_SECONDS: Final = 120
PART_SHARE: Final = 0.25
# More than all venues on both sides. Above this, venues without recent events are forgotten.
MAX_EXCHANGES = 128


@dataclass(slots=True)
class KnownCascade:
    """An asset's cascade: its side, its market cascade, its last sequence number.

    `is_linked` is set once the link to `parent_id` has been returned. `newest` is an open cascade's
    newest record while no market cascade of its side runs; the link to the next one repeats it.
    """

    side: Side
    parent_id: str | None = None
    sequence: int = -1
    is_open: bool = True
    is_linked: bool = False
    newest: CascadeAlert | None = None


@dataclass(slots=True)
class RunningMarket:
    """An open market cascade, and the asset cascades that are part of it.

    `told` is the second of its last start or escalation. `is_rebuilt` is set if it was already open
    when lost state was rebuilt.
    """

    cascade_id: str
    children: list[str] = field(default_factory=list)
    is_rebuilt: bool = False
    told: int = 0


class MarketState:
    """The state of the market's detector; every second before `decided` has been evaluated.

    `held` has the items of later seconds, but for older ones of blocks that are packed.
    """

    __slots__ = (
        "beats",
        "blind",
        "cascades",
        "decided",
        "exchanges",
        "held",
        "held_parts",
        "lanes",
        "packed",
        "recent",
        "running",
        "sources",
    )

    def __init__(self, config: DetectorConfig, sources: Iterable[int]) -> None:
        """Start with every source at second 0."""
        self.lanes = {side: Lane(config.market_rules) for side in SIDES}
        self.running: dict[Side, RunningMarket] = {}
        self.cascades: dict[str, KnownCascade] = {}
        self.recent: deque[str] = deque()
        self.sources = dict.fromkeys(sources, 0)
        self.held: Held = {}
        self.packed: dict[int, PackedBlock] = {}
        self.held_parts = HeldParts()
        self.beats = KnownBeats()
        self.exchanges: dict[tuple[Side, str], int] = {}
        self.decided = 0
        self.blind: tuple[str, ...] = ()

    @property
    def held_items(self) -> int:
        """The number of held beats and alerts."""
        unpacked = sum(len(beats) + len(alerts) for beats, alerts in self.held.values())
        return unpacked + sum(block.items for block in self.packed.values())

    def unpack(self, number: int) -> None:
        """Hold the seconds of a packed block as objects."""
        packed = self.packed.pop(number)
        held = packed.read(packed.data)
        later = {tick: self.held.pop(tick) for tick in held if tick in self.held}
        add_later(held, later)
        self.held.update(held)


class MarketDetector:
    """The detector of market cascades, second by second, and of the asset cascades in them."""

    def __init__(self, config: DetectorConfig, sources: Iterable[int]) -> None:
        """Start without state; a second is evaluated when all `sources` have passed it."""
        self._config = config
        self._rules = config.market_rules
        self._detector = config.identity
        self.state = MarketState(config, sources)

    def add(self, item: Beat | CascadeAlert, clock_ms: int, source: int) -> None:
        """Hold a beat or alert of a source until every source has passed its second.

        `clock_ms` is the clock that the source had reached before the item. An item of an earlier
        second (from a log out of order) counts for the second of that clock, because the seconds
        evaluated so far depend on the other sources and must not matter. A source that is read
        again from its last commit may have lost its clock, so the clock stored here counts too.
        """
        state = self.state
        reached = max(clock_ms // SECOND_MS, state.sources.get(source, 0))
        if isinstance(item, CascadeAlert):
            self._held(max(item.timestamp_ms // SECOND_MS - 1, reached))[1].append(item)
            return
        if state.beats.take(item.base, item.side, item.tick):
            self._held(max(item.tick, reached))[0].append(item)

    def heartbeat(self, clock_ms: int, source: int) -> list[CascadeAlert]:
        """Advance a source's clock (UTC, ms); evaluate the seconds that every source has passed."""
        state = self.state
        second = clock_ms // SECOND_MS
        # An unknown source must not join: all would wait for it for ever.
        if source not in state.sources or second <= state.sources[source]:
            return []
        state.sources[source] = second
        passed = min(state.sources.values())
        if passed <= state.decided:
            return []
        made = self._judge_until(passed)
        state.decided = passed
        return made

    def grow(self, count: int) -> bool:
        """Wait for `count` sources from now on, numbered from 0; return whether any is new.

        The first items of a new source belong to seconds that are not evaluated yet, because its
        assets come from sources that have not passed those seconds.
        """
        state = self.state
        new = [source for source in range(count) if source not in state.sources]
        state.sources.update(dict.fromkeys(new, state.decided))
        return bool(new)

    def heal(self, bound_ms: int) -> list[CascadeAlert]:
        """Discard impossible state: clocks of sources, held items and lanes beyond a time.

        Releases that did not bound the log's clock may have stored such state. Returns the ends of
        the running cascades of discarded lanes.
        """
        state, bound = self.state, bound_ms // SECOND_MS
        state.sources = {source: min(second, bound) for source, second in state.sources.items()}
        state.decided = min(state.decided, bound)
        for number in [number for number, each in state.packed.items() if each.newest > bound]:
            state.unpack(number)
        for tick in [tick for tick in state.held if tick > bound]:
            del state.held[tick]
            state.held_parts.touch(tick)
        state.beats.forget_after(bound)
        made: list[CascadeAlert] = []
        for side in SIDES:
            lane = state.lanes[side]
            if lane.ring.now <= bound:
                continue
            if lane.cascade is not None:
                made += self._market_alert(side, lane.end(self._rules, lane.cascade))
            state.lanes[side] = Lane(self._rules)
        state.exchanges = {key: tick for key, tick in state.exchanges.items() if tick <= bound}
        return made

    def newest_ms(self) -> int:
        """Return the latest time in the state (UTC, ms)."""
        state = self.state
        newest: int = max(
            state.decided,
            *(lane.ring.now for lane in state.lanes.values()),
            *state.sources.values(),
            *state.held,
            *(block.newest for block in state.packed.values()),
            *(tick for _, tick in state.beats.items()),
        )
        return SECOND_MS * newest

    def finish(self) -> list[CascadeAlert]:
        """Evaluate all held seconds and end all open cascades, at the end of a log."""
        state = self.state
        held = (*state.held, *(block.newest for block in state.packed.values()))
        latest = max([*state.sources.values(), *(tick + 1 for tick in held)], default=0)
        made = self._judge_until(latest)
        for side in SIDES:
            lane = state.lanes[side]
            if lane.cascade is not None:
                made += self._market_alert(side, lane.end(self._rules, lane.cascade))
        return made

    def go_on(self, published: Mapping[str, int]) -> set[str]:
        """Continue the published market cascades after a rebuild, and drop the others.

        `published` maps the id of each open cascade to its last sequence number. Returns the ids of
        the cascades that continue.
        """
        state = self.state
        going_on = set()
        for side, running in list(state.running.items()):
            lane = state.lanes[side]
            if lane.cascade is None:
                continue
            if running.cascade_id in published:
                lane.cascade.sequence = published[running.cascade_id] + 1
                running.is_rebuilt = True
                going_on.add(running.cascade_id)
            else:
                lane.end(self._rules, lane.cascade)
                del state.running[side]
        return going_on

    def start_over(self) -> list[CascadeAlert]:
        """Reset the state for another log; return the ends of the open market cascades."""
        state = self.state
        ended: list[CascadeAlert] = []
        for side in SIDES:
            lane = state.lanes[side]
            if lane.cascade is not None:
                ended += self._market_alert(side, lane.end(self._rules, lane.cascade))
        self.state = MarketState(self._config, state.sources)
        self.state.held_parts = state.held_parts
        self.state.beats = state.beats
        self.state.beats.clear()
        return [mark_early(alert, Caveat.LOG_REPLACED) for alert in ended]

    def _held(self, tick: int) -> tuple[list[Beat], list[CascadeAlert]]:
        """Return the held beats and alerts of a second."""
        self.state.held_parts.touch(tick)
        return self.state.held.setdefault(tick, ([], []))

    def _judge_until(self, passed: int) -> list[CascadeAlert]:
        state = self.state
        made: list[CascadeAlert] = []
        # One block after the other: all of them need not fit into memory as objects.
        for number in sorted(each for each in state.packed if each * BLOCK_SECONDS < passed):
            made += self._judge_held(min(passed, number * BLOCK_SECONDS))
            state.unpack(number)
        made += self._judge_held(passed)
        if state.running:
            made += self._end_due(passed - 1)
        return made

    def _judge_held(self, passed: int) -> list[CascadeAlert]:
        """Evaluate the unpacked seconds before `passed`."""
        state = self.state
        made: list[CascadeAlert] = []
        for tick in sorted(state.held):
            if tick >= passed:
                break
            beats, alerts = state.held.pop(tick)
            state.held_parts.touch(tick)
            made += self._judge(tick, beats)
            for alert in sorted(alerts, key=_alert_order):
                made += self._follow(alert, tick)
        return made

    def _judge(self, tick: int, beats: list[Beat]) -> list[CascadeAlert]:
        state, rules = self.state, self._rules
        made = self._end_due(tick) if state.running else []
        brought = self._take_in(tick, beats)
        for side in brought:
            state.lanes[side].learn(rules, tick)
        for side in brought:
            lane = state.lanes[side]
            if lane.is_worth_a_look(rules):
                for decision in lane.judge(rules, tick, state.lanes[OPPOSITE[side]]):
                    made += self._market_alert(side, decision)
        return made

    def _take_in(self, tick: int, beats: list[Beat]) -> list[Side]:
        """Add the beats of a tick to the lanes; return the sides with beats, longs first."""
        state = self.state
        oldest = tick - self._rules.window_seconds
        brought: set[Side] = set()
        named: set[str] = set()
        for base, side, _, slices, exchanges, complete, top, blind in beats:
            brought.add(side)
            if blind:
                named.update(blind)
            lane = state.lanes[side]
            lane.advance(tick)
            for exchange in exchanges:
                state.exchanges[side, exchange] = tick
            # Only one slice counts the beat's largest liquidation and its complete ones.
            details = top, complete
            for second, count, cents in slices:
                if second > oldest:
                    place, quote = min(second, tick), (NO_SERIES, second * SECOND_MS, _NO_PRICE)
                    lane.ring.add(place, (base, base, 0), cents, quote, *details, count)
                    if lane.cascade is not None:
                        lane.cascade.count(place, count, tick)
                    details = (0, top[1]), 0
        if beats:
            state.blind = tuple(sorted(named))
        if len(state.exchanges) > MAX_EXCHANGES:
            self._forget_exchanges(tick)
        return sorted(brought)

    def _forget_exchanges(self, tick: int) -> None:
        """Forget venues that neither a running nor a starting market cascade can name."""
        state = self.state
        onsets = (lane.cascade.onset for lane in state.lanes.values() if lane.cascade is not None)
        oldest = min([tick - LONG_SECONDS, *onsets])
        state.exchanges = {key: seen for key, seen in state.exchanges.items() if seen >= oldest}

    def _end_due(self, tick: int) -> list[CascadeAlert]:
        return [
            alert
            for side in SIDES
            for decision in self.state.lanes[side].end_if_due(self._rules, tick)
            for alert in self._market_alert(side, decision)
        ]

    def _market_alert(self, side: Side, decision: Decision) -> list[CascadeAlert]:
        """Return the market's record; for a start, also the links of the open asset cascades."""
        state = self.state
        made = alert_of(self._rules, self._detector, "", side, decision, None, state.blind)
        if made.type is AlertType.WATCH:
            return []
        links: list[CascadeAlert] = []
        if made.type is AlertType.DETECTED:
            links = self._adopt(made.cascade_id, side, decision.tick)
        running = state.running[side]
        if made.type in {AlertType.DETECTED, AlertType.ESCALATED}:
            running.told = decision.tick
        since = made.started_at_ms // SECOND_MS
        exchanges = tuple(
            sorted(
                exchange
                for (of_side, exchange), tick in state.exchanges.items()
                if of_side is side and tick >= since
            )
        )
        if made.type is AlertType.ENDED:
            del state.running[side]
        whole = replace(made, exchanges=exchanges, children=tuple(running.children[:MAX_CHILDREN]))
        if running.is_rebuilt:
            whole = replace(whole, caveat=Caveat.REBUILT)
        return [replace(whole, explanation=explain(whole, self._rules.window_seconds)), *links]

    def _adopt(self, parent_id: str, side: Side, tick: int) -> list[CascadeAlert]:
        """Start a market cascade: every open asset cascade of its side becomes its child."""
        state = self.state
        running = state.running[side] = RunningMarket(parent_id)
        links: list[CascadeAlert] = []
        for cascade_id, known in state.cascades.items():
            if known.is_open and known.side is side:
                running.children.append(cascade_id)
                known.parent_id, known.is_linked = parent_id, False
                # A child without a record since its last parent ended is linked at its next record.
                if known.newest is not None:
                    links.append(_linked(known, known.newest, parent_id, tick))
        return links

    def _follow(self, alert: CascadeAlert, tick: int) -> list[CascadeAlert]:
        """Track an asset's cascade by its alert; return its link to a market cascade if due."""
        state = self.state
        running = state.running.get(alert.side)
        known = state.cascades.get(alert.cascade_id)
        if known is None:
            known = state.cascades[alert.cascade_id] = KnownCascade(alert.side)
            if running is not None and self._is_part(alert, running, tick):
                known.parent_id = running.cascade_id
                if len(running.children) < MAX_CHILDREN:
                    running.children.append(alert.cascade_id)
        if alert.sequence <= known.sequence:
            return []
        known.sequence = alert.sequence
        links: list[CascadeAlert] = []
        if known.parent_id is not None and not known.is_linked:
            links = [_linked(known, alert, known.parent_id, tick)]
        if alert.type is AlertType.ENDED:
            known.is_open, known.newest = False, None
            state.recent.append(alert.cascade_id)
            if len(state.recent) > REMEMBERED_CASCADES:
                del state.cascades[state.recent.popleft()]
        elif running is None or known.parent_id != running.cascade_id:
            known.newest = alert
        return links

    def _is_part(self, alert: CascadeAlert, running: RunningMarket, tick: int) -> bool:
        """Return whether a new asset cascade is part of the running market cascade.

        It is for `TOLD_SECONDS` after the market's last start or escalation. Later, only a small
        part of the market's dollars is: a larger one deserves a message of its own.
        """
        if tick <= running.told + TOLD_SECONDS:
            return True
        market_cents = self.state.lanes[alert.side].ring.middle_cents
        return cents_of(alert.total_value_usd) <= PART_SHARE * market_cents


def _linked(known: KnownCascade, newest: CascadeAlert, parent_id: str, tick: int) -> CascadeAlert:
    """Return the link made from a cascade's newest record, and mark the cascade as linked."""
    known.is_linked, known.newest = True, None
    return link(newest, parent_id, tick)


def _alert_order(alert: CascadeAlert) -> tuple[str, str, int]:
    return alert.asset, alert.side, alert.sequence
