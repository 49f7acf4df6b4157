"""The comparison of detectors over synthetic days, as rows of a table."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.detection import rivals
from benchmarks.detection.day import Day, make_day
from benchmarks.detection.incidents import Incident
from benchmarks.detection.ours import adaptive
from benchmarks.detection.planted import Kind
from benchmarks.detection.scorer import Tally
from liq.processors.cascades.observation import Observation

Detector = Callable[[Sequence[Observation]], list[Incident]]

QUARTER_MILLION_CENTS = 25_000_000
DETECTORS: dict[str, Detector] = {
    "adaptive (ours)": adaptive,
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
    *(str(kind) for kind in Kind),
    "us/event",
)


@dataclass(slots=True)
class Result:
    """What a detector made of the days, and the processor time that it took."""

    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    observations: int = 0

    def row(self, name: str) -> tuple[str, ...]:
        """The figures in the order of `HEADINGS`."""
        tally = self.tally
        not_slow = [kind for kind in Kind if kind is not Kind.SLOW]
        return (
            name,
            f"{tally.precision:.3f}",
            f"{tally.recall:.3f}",
            f"{tally.false_a_day:.2f}",
            f"{tally.notifications / tally.days:,.0f}",
            f"{tally.notifications_per_cascade:.2f}",
            f"{tally.fragmentation:.3f}",
            f"{tally.delay():.1f}",
            f"{tally.delay([Kind.SLOW]):.1f}",
            f"{tally.delay([Kind.SLOW], watch=True):.1f}",
            f"{tally.delay(not_slow):.0f}",
            *(f"{tally.recall_of(kind):.2f}" for kind in Kind),
            f"{self.seconds / self.observations * 1e6:.1f}",
        )


def compare(
    seeds: Iterable[int], detectors: Iterable[str], on_day: Callable[[Day], None]
) -> dict[str, Result]:
    """Give every day to every detector; `on_day` hears of each day that is done."""
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
    """False incidents a day with no cascade at all, at three levels of traffic."""
    levels = (0.3, 1.0, 3.0)
    names = list(detectors)
    tallies = {(name, level): Tally() for name in names for level in levels}
    for seed in seeds:
        for level in levels:
            day = make_day(seed, traffic=level, with_cascades=False)
            for name in names:
                tallies[name, level].add(day, DETECTORS[name](day.observations))
    return [
        (name, *(f"{tallies[name, level].false_a_day:.2f}" for level in levels)) for name in names
    ]


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
