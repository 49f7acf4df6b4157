"""The frontier: what other thresholds give and cost, in one table for each decision.

Starts are judged by the reference bursts of the recordings and of their variants and by ordinary
synthetic days, watches by the recordings and variants, slow burns by days of sparse burns, by
ordinary days and by what they start on the recordings. The first row of a table has the targets,
the second the released detector.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final, NamedTuple

from benchmarks.detection.bursts import BurstTally, reference_bursts
from benchmarks.detection.conditions import ORDINARY, Conditions
from benchmarks.detection.day import make_day
from benchmarks.detection.merging import merge
from benchmarks.detection.ours import alerts_of, incidents_of
from benchmarks.detection.page import markdown
from benchmarks.detection.planted import Kind
from benchmarks.detection.recordings import RECORDINGS, VARIANTS, observations_of, variant
from benchmarks.detection.scorer import Tally
from benchmarks.detection.signals import burst_spans
from benchmarks.detection.variations import VARIATIONS, Decision, Variation
from benchmarks.detection.watches import WatchTally
from liq.processors.cascades.observation import Observation

MOST_SPARSE_DAYS: Final = 4


class Log(StrEnum):
    """The kinds of logs on which variations are measured."""

    DAY = "day"
    SPARSE = "sparse"
    RECORDING = "recording"
    VARIANT = "variant"


LOGS: Final = {
    Decision.START: {Log.DAY, Log.RECORDING, Log.VARIANT},
    Decision.WATCH: {Log.RECORDING, Log.VARIANT},
    Decision.BURN: {Log.DAY, Log.SPARSE, Log.RECORDING},
}
CONDITIONS: Final = {
    Log.DAY: ORDINARY,
    Log.SPARSE: Conditions(planted={Kind.SPARSE: 12}),
}


class Job(NamedTuple):
    """A log; `number` is the seed of a day or variant, or the place of a recording."""

    kind: Log
    number: int


@dataclass(slots=True)
class Measured:
    """The tallies of a variation: of days, days of sparse slow burns, recordings, their variants.

    Messages are compared with reference bursts (`bursts`), early signs with both (`watches`).
    """

    days: Tally = field(default_factory=Tally)
    sparse_days: Tally = field(default_factory=Tally)
    bursts: BurstTally = field(default_factory=BurstTally)
    bursts_of_variants: BurstTally = field(default_factory=BurstTally)
    watches: WatchTally = field(default_factory=WatchTally)
    watches_of_variants: WatchTally = field(default_factory=WatchTally)

    def add(self, other: "Measured") -> None:
        """Add the tallies of other logs."""
        for known in fields(self):
            merge(getattr(self, known.name), getattr(other, known.name))


Found = dict[str, Measured]
"""The tallies of variations by name."""


def measure(*, seeds: Sequence[int], processes: int) -> Found:
    """Run all variations on the recordings, their variants, and the days of the seeds."""
    jobs = [
        *(Job(Log.DAY, seed) for seed in seeds),
        *(Job(Log.SPARSE, seed) for seed in seeds[:MOST_SPARSE_DAYS]),
        *(Job(Log.RECORDING, place) for place in range(len(RECORDINGS))),
        *(Job(Log.VARIANT, seed) for seed in range(VARIANTS)),
    ]
    found: Found = {variation.name: Measured() for variation in VARIATIONS}
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(play, jobs):
            for name, measured in part.items():
                found[name].add(measured)
    return found


def play(job: Job) -> Found:
    """Run the variations that a log concerns on it."""
    if job.kind in CONDITIONS:
        return _play_day(job)
    found: Found = {variation.name: Measured() for variation in _concerned(job.kind)}
    is_variant = job.kind is Log.VARIANT
    for name in RECORDINGS if is_variant else [RECORDINGS[job.number]]:
        observations: Sequence[Observation] = observations_of(name)
        if is_variant:
            observations = variant(observations, job.number)
        bursts = reference_bursts(observations)
        for variation in _concerned(job.kind):
            alerts, measured = alerts_of(observations, variation.config), found[variation.name]
            of_bursts = measured.bursts_of_variants if is_variant else measured.bursts
            of_watches = measured.watches_of_variants if is_variant else measured.watches
            of_bursts.add(bursts, incidents_of(alerts))
            of_watches.add(alerts, burst_spans(bursts))
    return found


def _play_day(job: Job) -> Found:
    day = make_day(job.number, CONDITIONS[job.kind])
    found: Found = {}
    for variation in _concerned(job.kind):
        measured = found[variation.name] = Measured()
        tally = measured.days if job.kind is Log.DAY else measured.sparse_days
        tally.add(day, incidents_of(alerts_of(day.observations, variation.config)))
    return found


def _concerned(kind: Log) -> list[Variation]:
    """Return the variations that are measured on a kind of log, with the released detector."""
    return [
        variation
        for variation in VARIATIONS
        if variation.decision is None or kind in LOGS[variation.decision]
    ]


def report(found: Found) -> str:
    """Return the three tables."""
    return "\n\n".join(
        f"{title}:\n\n{_table(found, decision, headings, targets, figures)}"
        for decision, (title, headings, targets, figures) in TABLES.items()
    )


def _table(
    found: Found,
    decision: Decision,
    headings: Sequence[str],
    targets: Sequence[str],
    figures: Callable[[Measured], Sequence[str]],
) -> str:
    names = [variation.name for variation in VARIATIONS if variation.decision in {None, decision}]
    rows = [(name, *figures(found[name])) for name in names if name in found]
    return markdown(("thresholds", *headings), [("target", *targets), *rows])


def _start_figures(measured: Measured) -> tuple[str, ...]:
    bursts, variants, days = measured.bursts, measured.bursts_of_variants, measured.days
    return (
        f"{bursts.covered} of {len(bursts.to_come)}",
        f"{bursts.median_to_come:.2f} ({variants.median_to_come:.2f})",
        f"{bursts.incidents}, {bursts.outside}",
        f"{days.false_a_day:.2f}",
        f"{days.precision:.3f}",
        f"{days.recall:.3f}",
        str(days.untold_majors),
    )


def _watch_figures(measured: Measured) -> tuple[str, ...]:
    watches, variants = measured.watches, measured.watches_of_variants
    return (
        f"{watches.warnings}",
        f"{watches.right_share:.0%} ({variants.right_share:.0%})",
        f"{watches.starts_share:.0%} ({variants.starts_share:.0%})",
        f"{watches.spans_share:.0%} ({variants.spans_share:.0%})",
        f"{watches.median_lead_seconds:.1f} ({variants.median_lead_seconds:.1f})",
    )


def _burn_figures(measured: Measured) -> tuple[str, ...]:
    sparse, days = measured.sparse_days, measured.days
    others = set(Kind) - {Kind.SPARSE}
    return (
        f"{sparse.recall:.2f}",
        f"{sparse.delay():.0f}",
        f"{days.delay(others):.0f}",
        f"{sparse.false_a_day:.1f}",
        f"{days.false_a_day:.2f}",
        f"{days.precision:.3f}",
        f"{days.recall:.3f}",
        f"{measured.bursts.incidents}, {measured.bursts.outside}",
    )


TABLES: Final = {
    Decision.START: (
        "Starts: the share of a burst's dollars still to come against false incidents",
        (
            "bursts covered",
            "to come, median (variants)",
            "incidents, outside",
            "false/day",
            "precision",
            "recall",
            "majors without a message",
        ),
        ("25", "0.70", "", "0.5", "0.95", "0.97", "0"),
        _start_figures,
    ),
    Decision.WATCH: (
        "Watches on the recordings (and on their variants)",
        ("warnings", "right", "starts preceded", "bursts preceded", "median lead s"),
        ("", "50%", "85%", "85%", "5.0"),
        _watch_figures,
    ),
    Decision.BURN: (
        "Sparse slow burns: twelve a day alone, and two of an ordinary day",
        (
            "recall, alone",
            "delay s, alone",
            "delay s, ordinary",
            "false/day, alone",
            "false/day",
            "precision",
            "recall",
            "incidents on recordings, outside",
        ),
        ("0.97", "90", "90", "0.5", "0.5", "0.95", "0.97", ""),
        _burn_figures,
    ),
}
