"""The detector of the whole market, and the one place that knows which cascade is part of which.

It reads, from every partition of the log (a "source"), beats and the alerts of single assets, and
judges a second when every source has passed it. So its answer depends neither on how the sources
interleave nor on how the log is partitioned.

The alerts of single assets are published by whoever decides them. The market's detector adds a link
for each asset cascade that is part of a market cascade.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from liq.processors.cascades.alerts import alert as alert_of
from liq.processors.cascades.alerts import link
from liq.processors.cascades.asset import OPPOSITE, SIDES
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.cascade import Decision
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.early_end import mark_early
from liq.processors.cascades.explain import explain
from liq.processors.cascades.known_beats import KnownBeats
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.ring import LONG_SECONDS
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat, Side

# The market has no price.
_NO_PRICE = Decimal(0)
# A batch that was read twice can bring the alerts of so many ended cascades again.
REMEMBERED_CASCADES = 4_096
MAX_CHILDREN = 256
# More than there are venues, on both sides. Above this, venues not seen lately are forgotten.
MAX_EXCHANGES = 128


@dataclass(slots=True)
class KnownCascade:
    """An asset's cascade: its side, its market cascade, its last sequence number.

    `is_linked` tells whether the link to `parent_id` is published. `newest` is the newest record of
    an open cascade while no market cascade of its side runs: the link that the next one's start
    asks for is made of it.
    """

    side: Side
    parent_id: str | None = None
    sequence: int = -1
    is_open: bool = True
    is_linked: bool = False
    newest: CascadeAlert | None = None


@dataclass(slots=True)
class RunningMarket:
    """A market cascade under way, and the asset cascades that are part of it.

    `is_rebuilt`: it was already open when the lost state was rebuilt.
    """

    cascade_id: str
    children: list[str] = field(default_factory=list)
    is_rebuilt: bool = False


class MarketState:
    """All that is known of the market."""

    __slots__ = (
        "beats",
        "cascades",
        "decided",
        "exchanges",
        "held",
        "lanes",
        "recent",
        "running",
        "sources",
    )

    def __init__(self, config: DetectorConfig, sources: Iterable[int]) -> None:
        """Nothing was heard of any source yet."""
        self.lanes = {side: Lane(config.market_rules) for side in SIDES}
        self.running: dict[Side, RunningMarket] = {}
        self.cascades: dict[str, KnownCascade] = {}
        self.recent: deque[str] = deque()
        self.sources = dict.fromkeys(sources, 0)
        self.held: dict[int, tuple[list[Beat], list[CascadeAlert]]] = {}
        self.beats = KnownBeats()
        self.exchanges: dict[tuple[Side, str], int] = {}
        self.decided = 0


class MarketDetector:
    """Judges the market second by second, and links the cascades of assets to the market's."""

    def __init__(self, config: DetectorConfig, sources: Iterable[int]) -> None:
        """`sources` are the partitions of the log, all of which must be heard of."""
        self._config = config
        self._rules = config.market_rules
        self._detector = config.identity
        self.state = MarketState(config, sources)

    def add(self, item: Beat | CascadeAlert, clock_ms: int, source: int) -> None:
        """Take in what a source said; it is judged when every source has passed its second.

        `clock_ms` is what the source had reached before. What is about an earlier second, because
        its log is out of order, counts for the second that the source was in: which seconds are
        judged already depends on the other sources, and must not matter. A source that was read
        again from its last commit may not know its clock any more; what it said of it does.
        """
        state = self.state
        reached = max(clock_ms // SECOND_MS, state.sources.get(source, 0))
        if isinstance(item, CascadeAlert):
            self._held(max(item.timestamp_ms // SECOND_MS - 1, reached))[1].append(item)
            return
        if state.beats.take(item.base, item.side, item.tick):
            self._held(max(item.tick, reached))[0].append(item)

    def heartbeat(self, clock_ms: int, source: int) -> list[CascadeAlert]:
        """A source has reached a time: judge what every source has passed by now."""
        state = self.state
        second = clock_ms // SECOND_MS
        # All wait for the slowest source: one that nobody knows would hold them up for good.
        if source not in state.sources or second <= state.sources[source]:
            return []
        state.sources[source] = second
        passed = min(state.sources.values())
        if passed <= state.decided:
            return []
        made = self._judge_until(passed)
        state.decided = passed
        return made

    def heal(self, bound_ms: int) -> list[CascadeAlert]:
        """Forget what cannot be: clocks of sources, and what is held or judged, beyond a time.

        A release before the log's clock was bounded may have stored them. A running cascade of a
        side that was judged beyond it is ended; its alerts are returned.
        """
        state, bound = self.state, bound_ms // SECOND_MS
        state.sources = {source: min(second, bound) for source, second in state.sources.items()}
        state.decided = min(state.decided, bound)
        state.held = {tick: held for tick, held in state.held.items() if tick <= bound}
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
        """Return the latest time that anything of the state is about."""
        state = self.state
        newest: int = max(
            state.decided,
            *(lane.ring.now for lane in state.lanes.values()),
            *state.sources.values(),
            *state.held,
            *(tick for _, tick in state.beats.items()),
        )
        return SECOND_MS * newest

    def finish(self) -> list[CascadeAlert]:
        """Judge what is held and end what is open, for a log that will not go on."""
        state = self.state
        latest = max([*state.sources.values(), *(tick + 1 for tick in state.held)], default=0)
        made = self._judge_until(latest)
        for side in SIDES:
            lane = state.lanes[side]
            if lane.cascade is not None:
                made += self._market_alert(side, lane.end(self._rules, lane.cascade))
        return made

    def go_on(self, published: Mapping[str, int]) -> set[str]:
        """After a rebuild, go on with the market cascades that readers know, and drop the others.

        `published` has the last sequence number of each open cascade. Returns those that go on.
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
        """Forget everything, for another log; return the ends of the market cascades under way."""
        state = self.state
        ended: list[CascadeAlert] = []
        for side in SIDES:
            lane = state.lanes[side]
            if lane.cascade is not None:
                ended += self._market_alert(side, lane.end(self._rules, lane.cascade))
        self.state = MarketState(self._config, state.sources)
        self.state.beats = state.beats
        self.state.beats.clear()
        return [mark_early(alert, Caveat.LOG_REPLACED) for alert in ended]

    def _held(self, tick: int) -> tuple[list[Beat], list[CascadeAlert]]:
        """What is held of a second."""
        return self.state.held.setdefault(tick, ([], []))

    def _judge_until(self, passed: int) -> list[CascadeAlert]:
        state = self.state
        made: list[CascadeAlert] = []
        for tick in sorted(state.held):
            if tick >= passed:
                break
            beats, alerts = state.held.pop(tick)
            made += self._judge(tick, beats)
            for alert in sorted(alerts, key=_alert_order):
                made += self._follow(alert, tick)
        if state.running:
            made += self._end_due(passed - 1)
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
        """Add what beats bring to the lanes; the sides that they bring something to, in order."""
        state = self.state
        oldest = tick - self._rules.window_seconds
        brought: set[Side] = set()
        for base, side, _, slices, exchanges, complete, top in beats:
            brought.add(side)
            lane = state.lanes[side]
            lane.advance(tick)
            for exchange in exchanges:
                state.exchanges[side, exchange] = tick
            # The beat's largest and its complete ones are told once.
            details = top, complete
            for second, count, cents in slices:
                if second > oldest:
                    place, point = min(second, tick), (second * SECOND_MS, _NO_PRICE)
                    lane.ring.add(place, (base, base, 0), cents, point, *details, count)
                    if lane.cascade is not None:
                        lane.cascade.count(place, count, tick)
                    details = (0, top[1]), 0
        if len(state.exchanges) > MAX_EXCHANGES:
            self._forget_exchanges(tick)
        return sorted(brought)

    def _forget_exchanges(self, tick: int) -> None:
        """Forget venues that no running market cascade, and none that starts now, can name."""
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
        """Return the market's own record; at its start, the links of running asset cascades too."""
        state = self.state
        made = alert_of(self._rules, self._detector, "", side, decision, excitation=None)
        if made.type is AlertType.WATCH:
            return []
        links: list[CascadeAlert] = []
        if made.type is AlertType.DETECTED:
            links = self._adopt(made.cascade_id, side, decision.tick)
        running = state.running[side]
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
                # A child without a record since its last parent ended is linked by its next one.
                if known.newest is not None:
                    links.append(_linked(known, known.newest, parent_id, tick))
        return links

    def _follow(self, alert: CascadeAlert, tick: int) -> list[CascadeAlert]:
        """Follow an asset's cascade; return its link to a market cascade where one is due."""
        state = self.state
        running = state.running.get(alert.side)
        known = state.cascades.get(alert.cascade_id)
        if known is None:
            known = state.cascades[alert.cascade_id] = KnownCascade(alert.side)
            if running is not None:
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
        elif running is None:
            known.newest = alert
        return links


def _linked(known: KnownCascade, newest: CascadeAlert, parent_id: str, tick: int) -> CascadeAlert:
    """Return the link of a cascade by its newest record, which is not kept any longer."""
    known.is_linked, known.newest = True, None
    return link(newest, parent_id, tick)


def _alert_order(alert: CascadeAlert) -> tuple[str, str, int]:
    return alert.asset, alert.side, alert.sequence
