"""The comparison of detectors over synthetic days, as rows of a table, with limits for ours."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.detection import rivals
from benchmarks.detection.conditions import NOTHING, Conditions
from benchmarks.detection.day import Day, make_day
from benchmarks.detection.incidents import Incident
from benchmarks.detection.limits import Limit
from benchmarks.detection.ours import adaptive
from benchmarks.detection.planted import A_DAY, Kind
from benchmarks.detection.scorer import Tally
from liq.processors.cascades.observation import Observation

Detector = Callable[[Sequence[Observation]], list[Incident]]

SLOW: Final = (Kind.SLOW, Kind.SPARSE)
QUARTER_MILLION_CENTS = 25_000_000
OURS = "adaptive (ours)"
DETECTORS: dict[str, Detector] = {
    OURS: adaptive,
    "basic: 60 s, 5, $100k, one buffer": rivals.basic,
    "keyed by asset and side": rivals.keyed,
    "keyed, $250k": lambda observations: rivals.keyed(observations, QUARTER_MILLION_CENTS),
    "90 s, 4, $50k": rivals.fixed_rule,
    "CUSUM": rivals.cusum,
    "EWMA z-score, $250k": rivals.ewma,
}
HEADINGS = (
    "detector",
    "precision",
    "recall",
    "false/day",
    "messages/day",
    "messages/cascade",
    "fragments",
    "delay s",
    "delay s, not slow",
    "watch s",
    "delay s, slow",
    "delay s, sparse",
    *(str(kind) for kind in A_DAY),
    "us/event",
)


@dataclass(slots=True)
class Result:
    """A detector's results on the days, and its processor time."""

    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    observations: int = 0

    def row(self, name: str) -> tuple[str, ...]:
        """Return the figures in the order of `HEADINGS`."""
        tally = self.tally
        kinds = set(Kind)
        return (
            name,
            f"{tally.precision:.3f}",
            f"{tally.recall:.3f}",
            f"{tally.false_a_day:.2f}",
            f"{tally.notifications / tally.days:,.0f}",
            f"{tally.notifications_per_cascade:.2f}",
            f"{tally.fragmentation:.3f}",
            f"{tally.delay():.1f}",
            f"{tally.delay(SLOW):.1f}",
            f"{tally.delay(SLOW, watch=True):.1f}",
            f"{tally.delay(kinds - {Kind.SLOW}):.0f}",
            f"{tally.delay(kinds - {Kind.SPARSE}):.0f}",
            *(f"{tally.recall_of(kind):.2f}" for kind in A_DAY),
            f"{self.seconds / self.observations * 1e6:.1f}",
        )


def compare(
    seeds: Iterable[int], detectors: Iterable[str], on_day: Callable[[Day], None]
) -> dict[str, Result]:
    """Run every detector on every day; call `on_day` with each finished day."""
    results = {name: Result() for name in detectors}
    for seed in seeds:
        day = make_day(seed)
        for name, result in results.items():
            started = time.process_time()
            incidents = DETECTORS[name](day.observations)
            result.seconds += time.process_time() - started
            result.observations += len(day.observations)
            result.tally.add(day, incidents)
        on_day(day)
    return results


def background_false_a_day(seeds: Iterable[int], detectors: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the false incidents a day without any cascade, at three levels of traffic."""
    levels = (0.3, 1.0, 3.0)
    names = list(detectors)
    tallies = {(name, level): Tally() for name in names for level in levels}
    for seed in seeds:
        for level in levels:
            calm = Conditions(traffic=level, planted=NOTHING, has_decoys=False)
            day = make_day(seed, calm)
            for name in names:
                tallies[name, level].add(day, DETECTORS[name](day.observations))
    return [
        (name, *(f"{tallies[name, level].false_a_day:.2f}" for level in levels)) for name in names
    ]


def limits(tally: Tally) -> list[Limit]:
    """Return the limits on our detector.

    Six days are few, so the limits leave room for chance, but still find a broken detector.
    """
    return [
        Limit("recall", tally.recall, least=0.90),
        Limit("precision", tally.precision, least=0.92),
        Limit("recall of small alts", tally.recall_of(Kind.SMALL), least=0.80),
        Limit("delay without slow burns, in s,", tally.delay(SLOW), most=7.0),
        Limit(
            "time to the first word without slow burns, in s,",
            tally.delay(SLOW, watch=True),
            most=3.6,
        ),
        Limit("false incidents a day", tally.false_a_day, most=1.2),
        Limit("messages a cascade", tally.notifications_per_cascade, most=4.8),
        Limit("fragments a cascade", tally.fragmentation, most=1.08),
        Limit("majors without a message", tally.untold_majors, most=0),
    ]
