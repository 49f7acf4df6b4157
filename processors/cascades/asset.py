"""The detector of one asset: both of its lanes, its clock, and what it has already seen."""

from typing import NamedTuple

from processors.cascades.beat import Beat, News
from processors.cascades.excitation import Excitation
from processors.cascades.lane import Decision, Lane
from processors.cascades.observation import Observation
from processors.cascades.recent_ids import RecentIds
from processors.cascades.rules import LaneRules
from schemas.vocabulary import Side

SECOND_MS = 1_000
HALF_SECOND_MS = 500
# An exchange's clock may run ahead of ours by so much before we stop believing it.
FUTURE_TOLERANCE_MS = 5_000
# An event this close to leaving the window would change nothing any more.
LATENESS_MARGIN_SECONDS = 2
# What is older than the window is late, so its repeats need not be known.
REPEAT_MARGIN_SECONDS = 10
SIDES = (Side.LONG, Side.SHORT)


class Step(NamedTuple):
    """A decision on one side of an asset, or of the market."""

    side: Side
    decision: Decision


class AssetState:
    """All that is known of one asset.

    `tick` is the second of the log's clock, as far as the asset's own records and decisions tell;
    `news` is what that second has brought, `seen` the last second that brought anything. The four
    counts say how many events were left out as repeated, late or implausible, or moved back from
    the future.
    """

    __slots__ = (
        "duplicates",
        "excitations",
        "future",
        "implausible",
        "lanes",
        "late",
        "news",
        "recent_ids",
        "seen",
        "tick",
    )

    def __init__(self, rules: LaneRules) -> None:
        """Nothing was seen yet."""
        self.lanes = {side: Lane(rules) for side in SIDES}
        self.excitations = {side: Excitation() for side in SIDES}
        self.news: dict[Side, News] = {}
        self.tick = 0
        self.seen = 0
        self.recent_ids = RecentIds()
        self.duplicates = self.late = self.implausible = self.future = 0

    @property
    def is_open(self) -> bool:
        """Whether a cascade is under way."""
        lanes = self.lanes
        return lanes[Side.LONG].cascade is not None or lanes[Side.SHORT].cascade is not None


def observe(rules: LaneRules, state: AssetState, event: Observation) -> list[Step]:
    """Take a liquidation in; decisions on it are made when its second is over.

    The caller has decided every earlier tick. Gives what ended before the event came.
    """
    tick = event.received_at_ms // SECOND_MS
    if tick > state.tick:
        state.tick = tick
        state.recent_ids.forget_before(tick - rules.window_seconds - REPEAT_MARGIN_SECONDS)
    else:
        tick = state.tick
    ended = end_due(rules, state, tick) if state.is_open else []
    if event.event_id in state.recent_ids:
        state.duplicates += 1
        return ended
    timestamp_ms = event.timestamp_ms
    if timestamp_ms > event.received_at_ms + FUTURE_TOLERANCE_MS:
        state.future += 1
        timestamp_ms = event.received_at_ms
    second = timestamp_ms // SECOND_MS
    if second > tick:
        second = tick
    elif second <= tick - rules.window_seconds + LATENESS_MARGIN_SECONDS:
        state.late += 1
        return ended
    state.seen = tick
    state.recent_ids.add(tick, event.event_id)
    lane = state.lanes[event.side]
    lane.advance(tick)
    lane.add(
        second,
        (event.exchange, event.symbol, timestamp_ms // HALF_SECOND_MS & 1),
        event.cents,
        (timestamp_ms, event.price),
        event.event_id,
        event.is_complete,
    )
    news = state.news.get(event.side)
    if news is None:
        news = state.news[event.side] = News()
    news.add(second, event, timestamp_ms)
    return ended


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
        lane, excitation = state.lanes[side], state.excitations[side]
        for timestamp_ms in sorted(news.complete_ms):
            spontaneous = excitation.add(timestamp_ms / SECOND_MS)
            if lane.cascade is not None:
                lane.cascade.add_generation(spontaneous)
        steps += [
            Step(side, decision)
            for decision in lane.decide(rules, tick, state.lanes[side.opposite])
        ]
        beats.append(news.beat(base, side, tick))
    return steps, beats


def end_due(rules: LaneRules, state: AssetState, tick: int) -> list[Step]:
    """End what has been quiet for long enough at a tick, longs first."""
    return [
        Step(side, decision)
        for side in SIDES
        for decision in state.lanes[side].end_if_due(rules, tick)
    ]
