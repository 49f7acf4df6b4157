"""The state of an open cascade, the rules of its escalations, and decisions."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from liq.processors.cascades import risk
from liq.processors.cascades.ring import SHORT_SECONDS, Bucket, Ring, busiest_cents, cents_of
from liq.processors.cascades.surprise import Surprise
from liq.processors.cascades.totals import Totals
from liq.schemas.vocabulary import EndReason

# Scores from which a cascade is moderate, major, extreme; below the first it is minor.
LEVEL_SCORES = (45.0, 60.0, 75.0)
# From major on, reaching a level again after this long without it counts as an escalation.
LULL_SECONDS: Final = 60
REPEATED_LEVEL: Final = 2
# A repeated level is announced at most this often.
REPEAT_SECONDS: Final = 20
UPDATE_SECONDS = 15
# Reached levels are recorded only this often, because that requires the full score.
NOTED_SECONDS: Final = 5


def level_of(score: float) -> int:
    """Return the level of a score: 0 to 3 for minor, moderate, major, extreme."""
    return sum(score >= limit for limit in LEVEL_SCORES)


class Change(Enum):
    """The kind of a decision."""

    WATCH = "watch"
    STARTED = "started"
    ESCALATED = "escalated"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(slots=True)
class Moment:
    """The assessment of a lane at a tick.

    `rate` is the normal cells a second, `short_weight` the last ten seconds' cells in tenths.
    `cents`, `count` and `other_cents` (of the opposite side) are those of the floor's window.
    """

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
    short_cents: int = 0
    hourly_cents: float = 0.0


@dataclass(slots=True)
class OpenCascade:
    """A cascade that has started and not ended.

    `totals` count the seconds up to the last hot one that have left the window. `pending` counts
    later seconds that have left it, which belong to the cascade only if it gets hot again. `peak`
    is the moment of the highest score; the peaks in cents lie between the onset and the last hot
    second. `changed` is the earliest second that has received liquidations since the last hot one.
    `warm` is the last tick that met the threshold of a hot tick without exceeding the recent rate.

    `level` is the highest level announced, `told` the second of the last start or escalation.
    `reached` has the last second at which each announced level from moderate on was reached.
    """

    onset: int
    started: int
    last_hot: int
    peak: Moment
    level: int
    told: int
    updated: int
    changed: int
    warm: int = 0
    reached: list[int] = field(default_factory=lambda: [0] * len(LEVEL_SCORES))
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
        """Count a liquidation of a complete feed, with the probability that it was spontaneous."""
        self.generations += 1
        self.first_generation += spontaneous

    def count(self, second: int, count: int, tick: int) -> None:
        """Record that a tick has added `count` liquidations to a second of event time."""
        self.changed = min(self.changed, second)
        if second < tick - SHORT_SECONDS:
            self.late += count

    def heat(self, tick: int, ring: Ring, window_seconds: int) -> None:
        """Mark a tick as hot: the pending seconds join the cascade."""
        self.last_hot = tick
        if self.pending.count:
            self.totals.merge(self.pending)
            self.pending = Totals()
        self._observe_peaks(ring, window_seconds)
        self.changed = tick + 1

    def is_update_due(self, tick: int) -> bool:
        """Return whether a tick calls for an update although the level has not changed."""
        return tick >= self.updated + UPDATE_SECONDS

    def may_reach(self, level: int, tick: int) -> bool:
        """Return whether a tick that reaches at most `level` needs its full score."""
        return level > 0 and self.reached[level - 1] <= tick - NOTED_SECONDS

    def reach(self, level: int, tick: int) -> bool:
        """Record the level of a tick; return whether it is an escalation.

        A level higher than any before is one. From major on, so is a level that was not reached for
        `LULL_SECONDS`, if the last start or escalation is `REPEAT_SECONDS` old.
        """
        before = self._level_before(tick)
        is_news = level > before and (
            level > self.level or (level >= REPEATED_LEVEL and tick >= self.told + REPEAT_SECONDS)
        )
        for place in range(level if is_news else min(level, before)):
            self.reached[place] = tick
        if is_news:
            self.level, self.told = max(level, self.level), tick
        return is_news

    def _level_before(self, tick: int) -> int:
        """Return the highest level that was reached within `LULL_SECONDS` before a tick."""
        return sum(second > tick - LULL_SECONDS for second in self.reached)

    def _observe_peaks(self, ring: Ring, window_seconds: int) -> None:
        """Update the peaks from the windows that have received liquidations."""
        self.peak_second_cents = self._peak(self.peak_second_cents, ring, 1)
        self.peak_short_cents = self._peak(self.peak_short_cents, ring, SHORT_SECONDS)
        self.peak_window_cents = self._peak(self.peak_window_cents, ring, window_seconds)

    def _peak(self, known_cents: int, ring: Ring, seconds: int) -> int:
        held = ring.buckets_since(max(self.onset, self.changed - seconds + 1))
        # The sum of all of them bounds every window among them.
        if cents_of(held) <= known_cents:
            return known_cents
        return max(known_cents, busiest_cents(held, seconds))


class Decision(NamedTuple):
    """A change of a lane, the tick at which it was due, and the content of its record.

    `cascade` is None for a watch. `moment` is the assessment that led to the decision, for an end
    the one with the highest score. `end_reason` is set for an end that the log itself causes.
    """

    tick: int
    change: Change
    cascade: OpenCascade | None
    moment: Moment
    totals: Totals
    end_reason: EndReason | None = None
