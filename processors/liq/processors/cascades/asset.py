"""The detector of one asset: both of its lanes, its clock, and what it has already seen."""

from dataclasses import dataclass
from typing import NamedTuple

from liq.processors.cascades.beat import Beat, News
from liq.processors.cascades.cascade import Decision
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.observation import Observation
from liq.processors.cascades.recent_ids import REMEMBERED_DIGITS, RecentIds
from liq.processors.cascades.rules import LaneRules
from liq.schemas.units import HALF_SECOND_MS, SECOND_MS
from liq.schemas.vocabulary import Side

# An exchange's clock may run ahead of ours by so much before we stop believing it.
FUTURE_TOLERANCE_MS = 5_000
# An event this close to leaving the window would change nothing any more.
LATENESS_MARGIN_SECONDS = 2
# What is older than the window is late, so its repeats need not be known.
REPEAT_MARGIN_SECONDS = 10
SIDES = (Side.LONG, Side.SHORT)
# Asked for at every tick, for which a property of an enumeration is slow.
OPPOSITE = {side: side.opposite for side in SIDES}


class Step(NamedTuple):
    """A decision on one side of an asset, or of the market."""

    side: Side
    decision: Decision


@dataclass(slots=True)
class LeftOut:
    """Events that were left out (repeated, too old, impossible, late by nature) or moved back.

    Nothing is decided by these counts; they are for the operator.
    """

    duplicates: int = 0
    late: int = 0
    implausible: int = 0
    future: int = 0
    history: int = 0


class AssetState:
    """All that is known of one asset.

    `tick` is the second of the log's clock, as far as the asset's own records and decisions tell;
    `news` is what that second has brought, `seen` the last second that brought anything.
    `is_rebuilt`: a cascade is open that was already so when the lost state was rebuilt.
    """

    __slots__ = ("excitations", "is_rebuilt", "lanes", "news", "recent_ids", "seen", "tick")

    def __init__(self, rules: LaneRules) -> None:
        """Nothing was seen yet."""
        self.lanes = {side: Lane(rules) for side in SIDES}
        self.excitations = {side: Excitation() for side in SIDES}
        self.news: dict[Side, News] = {}
        self.tick = 0
        self.seen = 0
        self.recent_ids = RecentIds()
        self.is_rebuilt = False

    @property
    def newest(self) -> int:
        """The latest second that anything known is about."""
        return max(self.tick, self.seen, *(lane.ring.now for lane in self.lanes.values()))

    @property
    def is_open(self) -> bool:
        """Whether a cascade is under way."""
        lanes = self.lanes
        return lanes[Side.LONG].cascade is not None or lanes[Side.SHORT].cascade is not None


def observe(rules: LaneRules, state: AssetState, event: Observation, left_out: LeftOut) -> bool:
    """Take a liquidation in; decisions on it are made when its second is over.

    The caller has decided every earlier tick and ended what was due. False where the liquidation
    is left out.
    """
    event_id, _, side, exchange, symbol, timestamp_ms, received_ms, cents, price, complete = event
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
    lane.ring.add(second, cell, cents, (timestamp_ms, price), top, int(complete))
    if lane.cascade is not None:
        lane.cascade.count(second, 1, tick)
    news = state.news.get(side)
    if news is None:
        news = state.news[side] = News()
    news.add(second, cents, exchange, top)
    if complete:
        news.complete_ms.append(timestamp_ms)
    return True


def decide(rules: LaneRules, state: AssetState, base: str) -> tuple[list[Step], list[Beat]]:
    """Judge the tick at hand, which is over; the asset's clock moves to the next one."""
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
        beats.append(news.beat(base, side, tick))
    for side in SIDES:
        if side in brought and (lane := state.lanes[side]).is_worth_a_look(rules):
            other = state.lanes[OPPOSITE[side]]
            steps += [Step(side, made) for made in lane.judge(rules, tick, other)]
    return steps, beats


def end_due(rules: LaneRules, state: AssetState, tick: int) -> list[Step]:
    """End what has been quiet for long enough at a tick, longs first."""
    return [
        Step(side, decision)
        for side in SIDES
        for decision in state.lanes[side].end_if_due(rules, tick)
    ]
