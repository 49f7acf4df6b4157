"""The life of cascades on one lane: one side of one asset, or of the market.

A lane decides once for each second ("tick") that brought it something, so the order of records
within a second cannot matter. A cascade starts when its floor is met, the surprise is above the
threshold and the score above the gate; it is hot at every tick that brings something while the
surprise of the two shorter windows is above the lower threshold; it ends when it was not hot for
the quiet time, and its end is put back to its last hot second.
"""

from dataclasses import dataclass, field
from enum import Enum
from heapq import nlargest
from math import log
from typing import NamedTuple

from processors.cascades import risk
from processors.cascades.baseline import Baseline
from processors.cascades.ring import (
    SHORT_SECONDS,
    Bucket,
    CellKey,
    PricePoint,
    Ring,
    busiest_cents,
)
from processors.cascades.rules import LaneRules
from processors.cascades.surprise import LEAST_RATE, Surprise, log_likelihood_ratio, surprise
from processors.cascades.totals import Totals

# Scores from which a cascade is moderate, major, extreme; below the first it is minor.
LEVEL_SCORES = (45.0, 60.0, 75.0)
# Rising quickly through the levels is told once, not at every step.
ESCALATION_SPACING_SECONDS = 20
UPDATE_SECONDS = 15
WATCH_SECONDS = 30
CELLS_OF_AN_ORDER = 2
TENTHS = 10


class Change(Enum):
    """What a tick did to a lane."""

    WATCH = "watch"
    STARTED = "started"
    ESCALATED = "escalated"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(slots=True)
class Moment:
    """How serious a lane is at a tick."""

    tick: int
    score: float
    parts: risk.Parts
    basic: float
    surprise: Surprise
    rate: float
    cents: int
    count: int
    other_cents: int
    short_weight: int


@dataclass(slots=True)
class OpenCascade:
    """A cascade that has started and not ended.

    `totals` hold what left the window by the last hot second, `pending` what left it later: that
    belongs to the cascade only if it gets hot again. `peak` is the moment of the highest score;
    the peaks in cents are those between the onset and the last hot second.
    """

    onset: int
    started: int
    last_hot: int
    peak: Moment
    level: int
    told: int
    updated: int
    sequence: int = 0
    late: int = 0
    generations: int = 0
    first_generation: float = 0.0
    peak_second_cents: int = 0
    peak_short_cents: int = 0
    peak_window_cents: int = 0
    totals: Totals = field(default_factory=Totals)
    pending: Totals = field(default_factory=Totals)

    def leave(self, bucket: Bucket) -> None:
        """Count a second that leaves the window."""
        if bucket.second < self.onset:
            return
        (self.totals if bucket.second <= self.last_hot else self.pending).add(bucket)

    def add_generation(self, spontaneous: float) -> None:
        """Count a liquidation of a complete feed by the probability that none triggered it."""
        self.generations += 1
        self.first_generation += spontaneous

    def heat(self, tick: int) -> None:
        """The cascade is still under way at a tick."""
        self.last_hot = tick
        if self.pending.count:
            self.totals.merge(self.pending)
            self.pending = Totals()


class Decision(NamedTuple):
    """A change and the tick at which it was due, with all that is told of it.

    `cascade` is None for a watch; `moment` is the one that decided it, at an end the worst one.
    """

    tick: int
    change: Change
    cascade: OpenCascade | None
    moment: Moment
    totals: Totals


class Lane:
    """What is known of one lane."""

    __slots__ = ("baseline", "cascade", "ring", "tick_cents", "tick_tenths", "watched")

    def __init__(self, rules: LaneRules) -> None:
        """Nothing was seen yet."""
        self.ring = Ring(rules.window_seconds, rules.reference_bits)
        self.baseline = Baseline()
        self.cascade: OpenCascade | None = None
        self.watched = 0
        self.tick_tenths = self.tick_cents = 0

    def advance(self, tick: int) -> None:
        """Move the lane's windows to a tick."""
        if tick > self.ring.now:
            self.ring.advance(tick, None if self.cascade is None else self.cascade.leave)

    def add(  # noqa: PLR0913, PLR0917 - one argument for each thing that is kept of a liquidation
        self,
        second: int,
        cell: CellKey,
        cents: int,
        point: PricePoint,
        event_id: str,
        complete: int,
        count: int = 1,
        largest_cents: int | None = None,
    ) -> None:
        """Count liquidations of this tick; `second` is theirs, within the window.

        `event_id` is that of the largest of them, worth `largest_cents`.
        """
        bucket, tenths = self.ring.add(second, cell, cents, count)
        top = cents if largest_cents is None else largest_cents
        bucket.note(point, (-top, event_id), complete)
        self.tick_tenths += tenths
        self.tick_cents += cents
        if self.cascade is not None and second < self.ring.now - SHORT_SECONDS:
            self.cascade.late += count

    def decide(self, rules: LaneRules, tick: int, other: "Lane") -> list[Decision]:
        """Judge the tick that has just passed and brought something; `other` is the other side."""
        changes = self.end_if_due(rules, tick)
        tenths, self.tick_tenths = self.tick_tenths, 0
        cents, self.tick_cents = self.tick_cents, 0
        if self.cascade is not None:
            changes += self._go_on(rules, tick, other, self.cascade)
            return changes
        self.baseline.learn(tick, tenths, cents, rules.prior_rate, rules.memory_seconds)
        ring = self.ring
        if ring.middle_count >= rules.watch_events and ring.middle_cents >= rules.watch_cents:
            changes += self._consider(rules, tick, other)
        return changes

    def end_if_due(self, rules: LaneRules, tick: int) -> list[Decision]:
        """End the cascade if it has been quiet for long enough at a tick."""
        cascade = self.cascade
        if cascade is None or tick < cascade.last_hot + rules.quiet_seconds:
            return []
        return [self.end(rules, cascade)]

    def end(self, rules: LaneRules, cascade: OpenCascade) -> Decision:
        """End the cascade at its last hot second, whatever the clock says.

        What belongs to it cannot start another one.
        """
        made = self._totals(cascade, cascade.last_hot)
        self.cascade = None
        self.baseline.forget_block()
        self.ring.discard_until(cascade.last_hot)
        due = cascade.last_hot + rules.quiet_seconds
        return Decision(due, Change.ENDED, cascade, cascade.peak, made)

    def _consider(self, rules: LaneRules, tick: int, other: "Lane") -> list[Decision]:
        rate = self.baseline.rate(tick, rules.prior_rate, rules.memory_seconds)
        found = surprise(self.ring, rate, rules.dispersion, rules.window_seconds)
        if found.nats < rules.watch_nats:
            return []
        if rules.least_groups and self.ring.short_groups() < rules.least_groups:
            return []
        moment = self._moment(rules, tick, other, found, rate)
        if (
            self.ring.middle_count >= rules.floor_events
            and self.ring.middle_cents >= rules.floor_cents
            and moment.score >= rules.score_gate
            and self._evidence(rules, tick, found.nats) >= rules.start_nats
        ):
            cascade = self._start(rules, tick, moment, rate)
            return [Decision(tick, Change.STARTED, cascade, moment, self._totals(cascade, tick))]
        if tick < self.watched + WATCH_SECONDS and self.watched:
            return []
        self.watched = tick
        totals = Totals()
        for bucket in self.ring.middle_buckets:
            totals.add(bucket)
        return [Decision(tick, Change.WATCH, None, moment, totals)]

    def _evidence(self, rules: LaneRules, tick: int, nats: float) -> float:
        """The surprise, and how far the dollars beyond the largest cells exceed a normal hour's.

        One order can fill two cells, when it is filled across a half second.
        """
        if not rules.dollar_nats:
            return nats
        cells = (cents for bucket in self.ring.middle_buckets for cents in bucket.cells.values())
        rest = max(1, self.ring.middle_cents - sum(nlargest(CELLS_OF_AN_ORDER, cells)))
        hourly = self.baseline.hourly_cents(tick, rules.memory_seconds)
        return nats + rules.dollar_nats * log(rest / max(rules.least_hourly_cents, hourly))

    def _start(self, rules: LaneRules, tick: int, moment: Moment, rate: float) -> OpenCascade:
        onset = self._onset(tick, rate)
        self.cascade = OpenCascade(
            onset=onset,
            started=tick,
            last_hot=tick,
            peak=moment,
            level=level_of(moment.score),
            told=tick,
            updated=tick,
        )
        for bucket in self.ring.buckets[: len(self.ring.buckets) - len(self.ring.middle_buckets)]:
            self.cascade.leave(bucket)
        self._observe_peaks(rules, self.cascade, onset)
        self.baseline.forget_block()
        self.watched = 0
        return self.cascade

    def _go_on(
        self, rules: LaneRules, tick: int, other: "Lane", cascade: OpenCascade
    ) -> list[Decision]:
        rate = self.baseline.rate(tick, rules.prior_rate, rules.memory_seconds)
        found = surprise(self.ring, rate, rules.dispersion, rules.window_seconds)
        if found.quick_nats >= rules.hot_nats:
            since = cascade.last_hot - 2 * rules.window_seconds
            cascade.heat(tick)
            self._observe_peaks(rules, cascade, since)
        moment = self._moment(rules, tick, other, found, rate)
        if moment.score > cascade.peak.score:
            cascade.peak = moment
        level = level_of(cascade.peak.score)
        if level > cascade.level and tick >= cascade.told + ESCALATION_SPACING_SECONDS:
            cascade.level = level
            cascade.told = cascade.updated = tick
            return [Decision(tick, Change.ESCALATED, cascade, moment, self._totals(cascade, tick))]
        if tick >= cascade.updated + UPDATE_SECONDS:
            cascade.updated = tick
            return [Decision(tick, Change.UPDATED, cascade, moment, self._totals(cascade, tick))]
        return []

    def _totals(self, cascade: OpenCascade, until: int) -> Totals:
        """The cascade's totals up to a second."""
        made = cascade.totals.copy()
        if until > cascade.last_hot:
            made.merge(cascade.pending)
        for bucket in self.ring.middle_buckets:
            if cascade.onset <= bucket.second <= until:
                made.add(bucket)
        return made

    def _observe_peaks(self, rules: LaneRules, cascade: OpenCascade, since: int) -> None:
        """Look for the busiest seconds between the onset and this tick, which is hot.

        Nothing changed before `since`: an event is counted at most a window late, and makes the
        windows that it falls into busier.
        """
        held = self.ring.buckets_since(max(since, cascade.onset))
        second = max((bucket.cents for bucket in held), default=0)
        short = busiest_cents(held, SHORT_SECONDS)
        window = busiest_cents(held, rules.window_seconds)
        cascade.peak_second_cents = max(cascade.peak_second_cents, second)
        cascade.peak_short_cents = max(cascade.peak_short_cents, short)
        cascade.peak_window_cents = max(cascade.peak_window_cents, window)

    def _moment(
        self, rules: LaneRules, tick: int, other: "Lane", found: Surprise, rate: float
    ) -> Moment:
        other.advance(tick)
        ring, other_cents = self.ring, other.ring.middle_cents
        cents = ring.middle_cents
        parts = risk.Parts(
            speed=risk.speed(found.nats),
            volume=risk.volume(cents, rules.floor_cents, rules.full_cents),
            imbalance=risk.imbalance(cents, other_cents, rules.floor_cents),
            concentration=risk.concentration(
                ring.busiest_short_cents(), cents, SHORT_SECONDS / rules.window_seconds
            ),
            breadth=risk.breadth(ring.middle_cells, ring.group_squares, rules.full_groups),
        )
        return Moment(
            tick=tick,
            score=risk.score(parts),
            parts=parts,
            basic=risk.basic_score(ring.middle_count, cents, rules.window_seconds),
            surprise=found,
            rate=rate,
            cents=cents,
            count=ring.middle_count,
            other_cents=other_cents,
            short_weight=ring.short_weight,
        )

    def _onset(self, tick: int, rate: float) -> int:
        """The second since when the cells, at a rate of their own, are least plausible."""
        normal = max(rate, LEAST_RATE)
        onset, best, tenths = tick, 0.0, 0
        for bucket in reversed(self.ring.buckets):
            tenths += bucket.weight
            expected = normal * (tick - bucket.second + 1)
            value = log_likelihood_ratio(tenths / TENTHS, expected)
            if value >= best:
                onset, best = bucket.second, value
        return onset


def level_of(score: float) -> int:
    """0 to 3: minor, moderate, major, extreme."""
    return sum(score >= limit for limit in LEVEL_SCORES)
