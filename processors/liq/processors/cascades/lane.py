"""The life of cascades on one lane: one side of one asset, or of the market.

A lane decides once for each second ("tick") that brought it something, so the order of records
within a second cannot matter. A cascade starts when its floor is met, the surprise is above the
threshold and the score above the gate; it is hot at every tick that brings something while the
surprise of the two shorter windows is above the lower threshold; it ends when it was not hot for
the quiet time, and its end is put back to its last hot second.
"""

from heapq import nlargest
from math import log

from liq.processors.cascades import risk
from liq.processors.cascades.baseline import Baseline, clustering
from liq.processors.cascades.cascade import Change, Decision, Moment, OpenCascade, level_of
from liq.processors.cascades.ring import CELL_TENTHS, SHORT_SECONDS, Ring, weight_of
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.surprise import LEAST_RATE, Surprise, log_likelihood_ratio, surprise
from liq.processors.cascades.totals import Totals

WATCH_SECONDS = 30
CELLS_OF_AN_ORDER = 2
# A venue publishes an order's fills one by one. A second with more than these is no single order.
FILLS_OF_AN_ORDER = 1_000


class Lane:
    """What is known of one lane."""

    __slots__ = ("baseline", "cascade", "ring", "watched")

    def __init__(self, rules: LaneRules) -> None:
        """Nothing was seen yet."""
        self.ring = Ring(rules.window_seconds, rules.reference_bits)
        self.baseline = Baseline()
        self.cascade: OpenCascade | None = None
        self.watched = 0

    def advance(self, tick: int) -> None:
        """Move the lane's windows to a tick."""
        if tick > self.ring.now:
            self.ring.advance(tick, None if self.cascade is None else self.cascade.leave)

    def learn(self, rules: LaneRules, tick: int) -> None:
        """Take in, as normal, what the tick that has just passed brought; not during a cascade.

        What was due is ended before. Both sides learn before either is judged, so that neither
        has an advantage.
        """
        ring = self.ring
        if self.cascade is None:
            self.baseline.learn(
                tick, ring.tick_tenths, ring.tick_cents, rules.prior_rate, rules.memory_seconds
            )
        ring.tick_tenths = ring.tick_cents = 0

    def is_worth_a_look(self, rules: LaneRules) -> bool:
        """Whether `judge` can come to any decision."""
        ring = self.ring
        return self.cascade is not None or (
            ring.middle_count >= rules.watch_events and ring.middle_cents >= rules.watch_cents
        )

    def judge(self, rules: LaneRules, tick: int, other: "Lane") -> list[Decision]:
        """Judge the tick that has just passed and brought something; `other` is the other side."""
        if self.cascade is not None:
            return self._go_on(rules, tick, other, self.cascade)
        return self._consider(rules, tick, other)

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
        ring = self.ring
        rate, found = self._surprise(rules, tick, other)
        if found.nats < rules.watch_nats:
            return []
        if rules.least_groups and ring.short_groups() < rules.least_groups:
            return []
        may_start = (
            ring.middle_count >= rules.floor_events
            and ring.middle_cents >= rules.floor_cents
            and self._evidence(rules, tick, found.nats) >= rules.start_nats
        )
        may_watch = not self.watched or tick >= self.watched + WATCH_SECONDS
        if not may_start and not may_watch:
            return []
        moment = self._moment(rules, tick, other, found, rate)
        if may_start and moment.score >= rules.score_gate:
            cascade = self._start(rules, tick, moment, rate)
            return [Decision(tick, Change.STARTED, cascade, moment, self._totals(cascade, tick))]
        if not may_watch:
            return []
        self.watched = tick
        totals = Totals()
        for bucket in ring.middle_buckets:
            totals.add(bucket)
        return [Decision(tick, Change.WATCH, None, moment, totals)]

    def _surprise(self, rules: LaneRules, tick: int, other: "Lane") -> tuple[float, Surprise]:
        """What is normal at a tick, in cells a second, and how implausible the windows are."""
        rate = self.baseline.rate(tick, rules.prior_rate, rules.memory_seconds)
        scale = clustering(self.baseline, other.baseline) if rules.learns_clustering else 1.0
        return rate, surprise(self.ring, rate, rules.dispersion, rules.window_seconds, scale)

    def _evidence(self, rules: LaneRules, tick: int, nats: float) -> float:
        """The surprise, and how far the dollars beyond the largest cells exceed a normal hour's.

        One order can fill two cells, when it is filled across a half second; not those of a second
        with more liquidations than an order has fills.
        """
        if not rules.dollar_nats:
            return nats
        cells = (
            cents
            for bucket in self.ring.middle_buckets
            if bucket.count <= FILLS_OF_AN_ORDER
            for cents in bucket.cells.values()
        )
        rest = max(1, self.ring.middle_cents - sum(nlargest(CELLS_OF_AN_ORDER, cells)))
        hourly = self.baseline.hourly_cents(tick, rules.memory_seconds)
        return nats + rules.dollar_nats * log(rest / max(rules.least_hourly_cents, hourly))

    def _start(self, rules: LaneRules, tick: int, moment: Moment, rate: float) -> OpenCascade:
        onset = self._onset(tick, rate)
        cascade = OpenCascade(
            onset=onset,
            started=tick,
            last_hot=tick,
            peak=moment,
            level=level_of(moment.score),
            told=tick,
            updated=tick,
            changed=onset,
        )
        ring = self.ring
        for bucket in ring.buckets[: len(ring.buckets) - len(ring.middle_buckets)]:
            cascade.leave(bucket)
        cascade.heat(tick, ring, rules.window_seconds)
        self.baseline.forget_block()
        self.watched = 0
        self.cascade = cascade
        return cascade

    def _go_on(
        self, rules: LaneRules, tick: int, other: "Lane", cascade: OpenCascade
    ) -> list[Decision]:
        rate, found = self._surprise(rules, tick, other)
        if found.quick_nats >= rules.hot_nats:
            cascade.heat(tick, self.ring, rules.window_seconds)
        if cascade.due(tick) is None and self._most_score(rules, found) <= cascade.peak.score:
            return []
        moment = self._moment(rules, tick, other, found, rate)
        if moment.score > cascade.peak.score:
            cascade.peak = moment
        change = cascade.due(tick)
        if change is None:
            return []
        cascade.updated = tick
        if change is Change.ESCALATED:
            cascade.level = level_of(cascade.peak.score)
            cascade.told = tick
        return [Decision(tick, change, cascade, moment, self._totals(cascade, tick))]

    def _most_score(self, rules: LaneRules, found: Surprise) -> float:
        """What the score is at most; it never falls when a part rises."""
        speed = risk.speed(found.nats)
        volume = risk.volume(self.ring.middle_cents, rules.floor_cents, rules.full_cents)
        return risk.score(risk.Parts(speed, volume, 1.0, 1.0, 1.0))

    def _totals(self, cascade: OpenCascade, until: int) -> Totals:
        """The cascade's totals up to a second."""
        made = cascade.totals.copy()
        if until > cascade.last_hot:
            made.merge(cascade.pending)
        for bucket in self.ring.middle_buckets:
            if cascade.onset <= bucket.second <= until:
                made.add(bucket)
        return made

    def _moment(
        self, rules: LaneRules, tick: int, other: "Lane", found: Surprise, rate: float
    ) -> Moment:
        other.advance(tick)
        ring, other_cents = self.ring, other.ring.middle_cents
        cents, groups = ring.middle_cents, ring.groups().values()
        parts = risk.Parts(
            speed=risk.speed(found.nats),
            volume=risk.volume(cents, rules.floor_cents, rules.full_cents),
            imbalance=risk.imbalance(cents, other_cents, rules.floor_cents),
            concentration=risk.concentration(
                ring.busiest_short_cents(), cents, SHORT_SECONDS / rules.window_seconds
            ),
            breadth=risk.breadth(
                sum(groups), sum(cells * cells for cells in groups), rules.full_groups
            ),
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
            short_weight=weight_of(ring.short_buckets),
        )

    def _onset(self, tick: int, rate: float) -> int:
        """The second since when the cells, at a rate of their own, are least plausible."""
        normal = max(rate, LEAST_RATE)
        onset, best, tenths = tick, 0.0, 0
        for bucket in reversed(self.ring.buckets):
            tenths += bucket.weight
            expected = normal * (tick - bucket.second + 1)
            value = log_likelihood_ratio(tenths / CELL_TENTHS, expected)
            if value >= best:
                onset, best = bucket.second, value
        return onset
