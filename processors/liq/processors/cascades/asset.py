"""The detector of one asset: its two lanes, its clock, and the ids of recent events."""

from dataclasses import dataclass
from typing import NamedTuple

from liq.processors.cascades.beat import Beat, News
from liq.processors.cascades.cascade import Decision
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.observation import Observation
from liq.processors.cascades.prices import series_of
from liq.processors.cascades.recent_ids import REMEMBERED_DIGITS, RecentIds
from liq.processors.cascades.rules import LaneRules
from liq.schemas.units import HALF_SECOND_MS, SECOND_MS
from liq.schemas.vocabulary import Side

# An event time further ahead of the receive time is replaced by the receive time.
FUTURE_TOLERANCE_MS = 5_000
# An event this close to leaving the window can no longer change a decision.
LATENESS_MARGIN_SECONDS = 2
# Events older than the window are late in any case, so their ids can be forgotten.
REPEAT_MARGIN_SECONDS = 10
SIDES = (Side.LONG, Side.SHORT)
# A dictionary, because a property of an enumeration is slow and every tick needs it.
OPPOSITE = {side: side.opposite for side in SIDES}


class Step(NamedTuple):
    """A decision on one side of an asset, or of the market."""

    side: Side
    decision: Decision


@dataclass(slots=True)
class LeftOut:
    """Counts of events that detection skipped or whose time it corrected (`future`).

    `history` counts events that arrived late by nature, `misplaced` those of assets that belong to
    another partition (`share`). Operators read these counts; no decision depends on them.
    """

    duplicates: int = 0
    late: int = 0
    implausible: int = 0
    future: int = 0
    history: int = 0
    misplaced: int = 0


class AssetState:
    """The detector state of one asset.

    `tick` is the second of the log's clock at the asset's last record or decision, `news` the
    liquidations of that second by side, `seen` the last second with a counted liquidation.
    `is_rebuilt` is set while a cascade is open that was already open when lost state was rebuilt.
    """

    __slots__ = ("excitations", "is_rebuilt", "lanes", "news", "recent_ids", "seen", "tick")

    def __init__(self, rules: LaneRules) -> None:
        """Start without events."""
        self.lanes = {side: Lane(rules) for side in SIDES}
        self.excitations = {side: Excitation() for side in SIDES}
        self.news: dict[Side, News] = {}
        self.tick = 0
        self.seen = 0
        self.recent_ids = RecentIds()
        self.is_rebuilt = False

    @property
    def newest(self) -> int:
        """The latest second in the state."""
        return max(self.tick, self.seen, *(lane.ring.now for lane in self.lanes.values()))

    @property
    def is_open(self) -> bool:
        """Whether a cascade of either side is open."""
        lanes = self.lanes
        return lanes[Side.LONG].cascade is not None or lanes[Side.SHORT].cascade is not None


def observe(rules: LaneRules, state: AssetState, event: Observation, left_out: LeftOut) -> bool:
    """Count a liquidation; `decide` evaluates it when its second is over.

    The caller must have decided every earlier tick and ended every cascade that was due. Returns
    False if the liquidation was skipped, and counts the reason in `left_out`.
    """
    event_id, _, side, exchange, symbol, timestamp_ms, received_ms, cents, price, complete, kind = (
        event
    )
    recent_ids = state.recent_ids
    tick = received_ms // SECOND_MS
    if tick > state.tick:
        state.tick = tick
        recent_ids.forget_before(tick - rules.window_seconds - REPEAT_MARGIN_SECONDS)
    else:
        tick = state.tick
    digits = event_id[-REMEMBERED_DIGITS:]
    if digits in recent_ids:
        left_out.duplicates += 1
        return False
    if timestamp_ms > received_ms + FUTURE_TOLERANCE_MS:
        left_out.future += 1
        timestamp_ms = received_ms
    second = timestamp_ms // SECOND_MS
    if second > tick:
        second = tick
    elif second <= tick - rules.window_seconds + LATENESS_MARGIN_SECONDS:
        left_out.late += 1
        return False
    state.seen = tick
    recent_ids.add(tick, digits)
    top = (-cents, event_id)
    lane = state.lanes[side]
    lane.advance(tick)
    cell = (exchange, symbol, timestamp_ms // HALF_SECOND_MS & 1)
    quote = series_of(exchange, symbol, kind), timestamp_ms, price
    lane.ring.add(second, cell, cents, quote, top, int(complete))
    if lane.cascade is not None:
        lane.cascade.count(second, 1, tick)
    news = state.news.get(side)
    if news is None:
        news = state.news[side] = News()
    news.add(second, cents, exchange, top)
    if complete:
        news.complete_ms.append(timestamp_ms)
    return True


def decide(
    rules: LaneRules, state: AssetState, base: str, blind: tuple[str, ...] = ()
) -> tuple[list[Step], list[Beat]]:
    """Evaluate the tick that has just ended, and move the asset's clock to the next one.

    `blind` are the venues that were blind at the tick. Returns the decisions, and one beat for each
    side that received a liquidation.
    """
    tick, brought = state.tick, state.news
    state.news = {}
    state.tick = tick + 1
    steps: list[Step] = []
    beats: list[Beat] = []
    for side in SIDES:
        news = brought.get(side)
        if news is None:
            continue
        lane = state.lanes[side]
        if lane.cascade is not None:
            steps += [Step(side, made) for made in lane.end_if_due(rules, tick)]
        lane.learn(rules, tick)
        if news.complete_ms:
            excitation = state.excitations[side]
            for timestamp_ms in sorted(news.complete_ms):
                spontaneous = excitation.add(timestamp_ms / SECOND_MS)
                if lane.cascade is not None:
                    lane.cascade.add_generation(spontaneous)
        beats.append(news.beat(base, side, tick, blind))
    for side in SIDES:
        if side in brought and (lane := state.lanes[side]).is_worth_a_look(rules):
            other = state.lanes[OPPOSITE[side]]
            steps += [Step(side, made) for made in lane.judge(rules, tick, other)]
    return steps, beats


def end_due(rules: LaneRules, state: AssetState, tick: int) -> list[Step]:
    """End the cascades that are due to end at a tick, longs first."""
    return [
        Step(side, decision)
        for side in SIDES
        for decision in state.lanes[side].end_if_due(rules, tick)
    ]
