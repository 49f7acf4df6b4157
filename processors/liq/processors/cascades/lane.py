"""The life of cascades on one lane: one side of one asset, or of the market.

A lane decides once for each second ("tick") with liquidations, so the order of records within a
second cannot matter. A cascade starts when its floor is met, its evidence reaches the
threshold and its score reaches the gate. A tick with liquidations is hot while the surprise of the
two shorter windows reaches the lower threshold. A cascade ends after the quiet time without a hot
tick; its end time is its last hot second.

The duration of a cascade is limited. From twenty minutes on, a hot tick must also be surprising
compared with the last quarter of an hour. If it is not, the level of the lane has shifted: the
cascade ends, and the recent rate becomes the normal rate. After an hour every cascade ends.
"""

from typing import Final

from liq.processors.cascades import risk, starting
from liq.processors.cascades.baseline import Baseline, clustering
from liq.processors.cascades.cascade import Change, Decision, Moment, OpenCascade, level_of
from liq.processors.cascades.forward import Pace, continue_probability
from liq.processors.cascades.ring import CELL_TENTHS, SHORT_SECONDS, Ring, cents_of, weight_of
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.surprise import LEAST_RATE, Surprise, log_likelihood_ratio, surprise
from liq.processors.cascades.totals import Totals
from liq.schemas.vocabulary import EndReason

WATCH_SECONDS = 30
# From SHIFT_SECONDS on, a cascade is also compared with the recent rate; LIMIT_SECONDS ends it.
SHIFT_SECONDS: Final = 1_200
LIMIT_SECONDS: Final = 3_600
# A cascade that was warm this shortly before its end has shifted the lane's level.
WARM_SECONDS: Final = 30


class Lane:
    """The state of one lane."""

    __slots__ = ("baseline", "cascade", "ring", "watched")

    def __init__(self, rules: LaneRules) -> None:
        """Start without liquidations."""
        self.ring = Ring(rules.window_seconds, rules.reference_bits)
        self.baseline = Baseline()
        self.cascade: OpenCascade | None = None
        self.watched = 0

    def advance(self, tick: int) -> None:
        """Move the lane's windows to a tick."""
        if tick > self.ring.now:
            self.ring.advance(tick, None if self.cascade is None else self.cascade.leave)

    def learn(self, rules: LaneRules, tick: int) -> None:
        """Add the tick that has just ended to the baseline; during a cascade, only its recent rate.

        The caller must first end a cascade that is due, and let both sides learn before it judges
        either, so that both sides are judged with the same knowledge.
        """
        ring = self.ring
        self.baseline.learn(
            tick,
            ring.tick_tenths,
            ring.tick_cents,
            rules.prior_rate,
            rules.memory_seconds,
            most_cents=rules.block_cents,
            is_calm=self.cascade is None,
        )
        ring.tick_tenths = ring.tick_cents = 0

    def is_worth_a_look(self, rules: LaneRules) -> bool:
        """Return whether `judge` can come to a decision; a cheap check before it."""
        ring = self.ring
        return self.cascade is not None or (
            ring.middle_count >= rules.watch_events and ring.middle_cents >= rules.watch_cents
        )

    def judge(self, rules: LaneRules, tick: int, other: "Lane") -> list[Decision]:
        """Evaluate the tick that has just ended with liquidations; `other` is the opposite lane."""
        if self.cascade is not None:
            return self._go_on(rules, tick, other, self.cascade)
        return self._consider(rules, tick, other)

    def end_if_due(self, rules: LaneRules, tick: int) -> list[Decision]:
        """End the cascade if, at a tick, its quiet time is over or its longest duration reached."""
        cascade = self.cascade
        if cascade is None:
            return []
        if tick >= min(cascade.last_hot + rules.quiet_seconds, cascade.started + LIMIT_SECONDS):
            return [self.end(rules, cascade)]
        return []

    def end(self, rules: LaneRules, cascade: OpenCascade) -> Decision:
        """End the cascade at its last hot second, as if no liquidation followed.

        The seconds that belong to it are discarded and cannot start another cascade.
        """
        due, limit = cascade.last_hot + rules.quiet_seconds, cascade.started + LIMIT_SECONDS
        if limit < due:
            due, reason = limit, EndReason.TIME_LIMIT
        elif cascade.warm > due - WARM_SECONDS:
            reason = EndReason.LEVEL_SHIFT
        else:
            reason = EndReason.QUIET
        if reason is not EndReason.QUIET:
            self.baseline.unsettle()
        totals = self._totals(cascade, cascade.last_hot)
        self.cascade = None
        self.baseline.forget_block()
        self.ring.discard_until(cascade.last_hot)
        return Decision(due, Change.ENDED, cascade, cascade.peak, totals, reason)

    def _consider(self, rules: LaneRules, tick: int, other: "Lane") -> list[Decision]:
        ring = self.ring
        rate, found = self._surprise(rules, tick, other)
        if found.nats < rules.watch_nats:
            return []
        if rules.least_groups and ring.short_groups() < rules.least_groups:
            return []
        may_start = starting.may_start(ring, self.baseline, rules, tick, found, rate)
        if may_start and rules.least_share:
            other.advance(tick)
            may_start = starting.is_wide(ring, rules) and not starting.is_minority(
                ring, other.ring, rules.least_share
            )
        may_watch = rules.watch_probability <= 1 and tick >= self.watched + WATCH_SECONDS
        may_watch = may_watch and self._probability(rules, found) >= rules.watch_probability
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

    def _probability(self, rules: LaneRules, found: Surprise) -> float:
        """Return the probability that the window's dollars are liquidated again within 60 s."""
        ring = self.ring
        buckets = ring.short_buckets
        pace = Pace(cents_of(buckets), ring.middle_cents, found.quick_nats, weight_of(buckets))
        return continue_probability(rules.scope, pace, ring.middle_cents)

    def _surprise(self, rules: LaneRules, tick: int, other: "Lane") -> tuple[float, Surprise]:
        """Return the normal cells a second at a tick, and the surprise of the windows under it."""
        rate = self.baseline.rate(tick, rules.prior_rate, rules.memory_seconds)
        return rate, self._compare(rules, rate, other)

    def _compare(self, rules: LaneRules, rate: float, other: "Lane") -> Surprise:
        """Return the surprise of the windows under a rate (cells a second)."""
        scale = clustering(self.baseline, other.baseline) if rules.learns_clustering else 1.0
        return surprise(self.ring, rate, rules.dispersion, rules.window_seconds, scale)

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
        cascade.reach(cascade.level, tick)
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
            if self._is_usual(rules, tick, other, cascade, rate):
                cascade.warm = tick
            else:
                cascade.heat(tick, self.ring, rules.window_seconds)
        is_update_due = cascade.is_update_due(tick)
        most = self._most_score(rules, found)
        if (
            not is_update_due
            and most <= cascade.peak.score
            and not cascade.may_reach(level_of(most), tick)
        ):
            return []
        moment = self._moment(rules, tick, other, found, rate)
        if moment.score > cascade.peak.score:
            cascade.peak = moment
        if cascade.reach(level_of(moment.score), tick):
            change = Change.ESCALATED
        elif is_update_due:
            change = Change.UPDATED
        else:
            return []
        cascade.updated = tick
        return [Decision(tick, change, cascade, moment, self._totals(cascade, tick))]

    def _is_usual(
        self, rules: LaneRules, tick: int, other: "Lane", cascade: OpenCascade, rate: float
    ) -> bool:
        """Return whether an old cascade's hot tick is plausible under the recent rate."""
        if tick < cascade.started + SHIFT_SECONDS:
            return False
        recent = self.baseline.recent_rate(tick)
        return recent > rate and self._compare(rules, recent, other).quick_nats < rules.hot_nats

    def _most_score(self, rules: LaneRules, found: Surprise) -> float:
        """Return an upper bound of the score, which never falls when a part rises."""
        speed = risk.speed(found.nats)
        volume = risk.volume(self.ring.middle_cents, rules.floor_cents, rules.full_cents)
        return risk.score(risk.Parts(speed, volume, 1.0, 1.0, 1.0))

    def _totals(self, cascade: OpenCascade, until: int) -> Totals:
        """Return the cascade's totals up to a second."""
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
        short_buckets = ring.short_buckets
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
            short_weight=weight_of(short_buckets),
            short_cents=cents_of(short_buckets),
            hourly_cents=self.baseline.hourly_cents(tick, rules.memory_seconds),
        )

    def _onset(self, tick: int, rate: float) -> int:
        """Estimate the onset: the second that maximizes the likelihood of a rate change."""
        normal = max(rate, LEAST_RATE)
        onset, best, tenths = tick, 0.0, 0
        for bucket in reversed(self.ring.buckets):
            tenths += bucket.weight
            expected = normal * (tick - bucket.second + 1)
            value = log_likelihood_ratio(tenths / CELL_TENTHS, expected)
            if value >= best:
                onset, best = bucket.second, value
        return onset
