"""A cascade under way: what is kept of it, what may be told of it, and what a decision says."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from liq.processors.cascades import risk
from liq.processors.cascades.ring import SHORT_SECONDS, Bucket, Ring, busiest_cents, cents_of
from liq.processors.cascades.surprise import Surprise
from liq.processors.cascades.totals import Totals

# Scores from which a cascade is moderate, major, extreme; below the first it is minor.
LEVEL_SCORES = (45.0, 60.0, 75.0)
# Rising quickly through the levels is told once, not at every step.
ESCALATION_SPACING_SECONDS = 20
UPDATE_SECONDS = 15


def level_of(score: float) -> int:
    """0 to 3: minor, moderate, major, extreme."""
    return sum(score >= limit for limit in LEVEL_SCORES)


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
    the peaks in cents are those between the onset and the last hot second. `changed` is the
    earliest second that was added to since then.
    """

    onset: int
    started: int
    last_hot: int
    peak: Moment
    level: int
    told: int
    updated: int
    changed: int
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

    def count(self, second: int, count: int, tick: int) -> None:
        """Note that a tick brought liquidations to a second."""
        self.changed = min(self.changed, second)
        if second < tick - SHORT_SECONDS:
            self.late += count

    def heat(self, tick: int, ring: Ring, window_seconds: int) -> None:
        """The cascade is still under way at a tick."""
        self.last_hot = tick
        if self.pending.count:
            self.totals.merge(self.pending)
            self.pending = Totals()
        self._observe_peaks(ring, window_seconds)
        self.changed = tick + 1

    def due(self, tick: int) -> Change | None:
        """What is to be told at a tick of a cascade that goes on."""
        if (
            level_of(self.peak.score) > self.level
            and tick >= self.told + ESCALATION_SPACING_SECONDS
        ):
            return Change.ESCALATED
        return Change.UPDATED if tick >= self.updated + UPDATE_SECONDS else None

    def _observe_peaks(self, ring: Ring, window_seconds: int) -> None:
        """Look at the windows that something was added to."""
        self.peak_second_cents = self._peak(self.peak_second_cents, ring, 1)
        self.peak_short_cents = self._peak(self.peak_short_cents, ring, SHORT_SECONDS)
        self.peak_window_cents = self._peak(self.peak_window_cents, ring, window_seconds)

    def _peak(self, known_cents: int, ring: Ring, seconds: int) -> int:
        held = ring.buckets_since(max(self.onset, self.changed - seconds + 1))
        # All of them together bound every window among them.
        if cents_of(held) <= known_cents:
            return known_cents
        return max(known_cents, busiest_cents(held, seconds))


class Decision(NamedTuple):
    """A change and the tick at which it was due, with all that is told of it.

    `cascade` is None for a watch; `moment` is the one that decided it, at an end the worst one.
    """

    tick: int
    change: Change
    cascade: OpenCascade | None
    moment: Moment
    totals: Totals
