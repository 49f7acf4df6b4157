"""Robustness: one changed assumption per row; a detector is as good as its worst row."""

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from benchmarks.detection.bursts import Burst, BurstTally
from benchmarks.detection.conditions import Conditions
from benchmarks.detection.day import Day, day_ms, make_day
from benchmarks.detection.limits import Limit
from benchmarks.detection.merging import merge
from benchmarks.detection.ours import adaptive
from benchmarks.detection.page import markdown
from benchmarks.detection.rows import ROWS
from benchmarks.detection.scorer import Tally
from liq.processors.backtesting.dollars import Amount, published_amounts
from liq.schemas.vocabulary import Side

BY_NAME: Final = {row.name: row for row in ROWS}


@dataclass(slots=True)
class RowTally:
    """The tallies of a row's days: messages about planted cascades, and their timeliness."""

    planted: Tally = field(default_factory=Tally)
    bursts: BurstTally = field(default_factory=BurstTally)

    def add(self, other: "RowTally") -> None:
        """Add other days."""
        merge(self.planted, other.planted)
        merge(self.bursts, other.bursts)


HEADINGS: Final = (
    "condition",
    "days",
    "recall",
    "worst day",
    "precision",
    "false/day",
    "worst day",
    "messages/cascade",
    "median delay s",
    "still to come",
    "market cascades/day",
    "of them false",
    "longest market cascade, min",
    "majors without a message",
)


def tallies(
    *, first_seed: int, is_short: bool, processes: int, wanted: str = ""
) -> dict[str, RowTally]:
    """Play the days of the rows whose names contain `wanted`; every row has the same seeds."""
    days = {
        row.name: row.short_days if is_short else row.long_days
        for row in ROWS
        if wanted in row.name
    }
    jobs = [(name, first_seed + number) for name, count in days.items() for number in range(count)]
    # The most expensive days first, so that no process runs one alone at the end.
    jobs.sort(key=lambda job: -_cost(BY_NAME[job[0]].conditions))
    judged = {name: RowTally() for name, count in days.items() if count}
    with ProcessPoolExecutor(processes) as pool:
        for (name, _), tally in zip(jobs, pool.map(_play, jobs), strict=True):
            judged[name].add(tally)
    return judged


def _cost(conditions: Conditions) -> float:
    return conditions.traffic * conditions.alt_count


def _play(job: tuple[str, int]) -> RowTally:
    name, seed = job
    day = make_day(seed, BY_NAME[name].conditions)
    incidents = adaptive(day.observations)
    tally = RowTally()
    tally.planted.add(day, incidents)
    tally.bursts.add(planted_bursts(day), incidents)
    return tally


def planted_bursts(day: Day) -> list[Burst]:
    """Return the published liquidations of single assets' planted cascades, as bursts."""
    lanes: dict[tuple[str, Side], list[Amount]] = defaultdict(list)
    for amount in published_amounts(day.observations):
        lanes[amount.base, amount.side].append(amount)
    bursts = []
    for truth in day.planted:
        start_ms, end_ms = day_ms(truth.start), day_ms(truth.end)
        inside = sorted(
            (amount.at_ms, amount.cents)
            for amount in lanes[truth.base, truth.side]
            if start_ms <= amount.at_ms <= end_ms
        )
        if inside:
            times_ms, cents = zip(*inside, strict=True)
            bursts.append(Burst(truth.base, truth.side, times_ms, cents))
    return bursts


def limits(judged: dict[str, RowTally]) -> list[Limit]:
    """Return the limits of all rows."""
    return [
        limit
        for name, counted in judged.items()
        for limit in BY_NAME[name].bounds.limits(name, counted.planted)
    ]


def report(judged: dict[str, RowTally]) -> str:
    """Return the table of all rows."""
    return markdown(HEADINGS, (_figures(name, tally) for name, tally in judged.items()))


def _figures(name: str, counted: RowTally) -> tuple[str, ...]:
    tally, bursts = counted.planted, counted.bursts
    is_planted = bool(tally.planted)
    return (
        name,
        str(tally.days),
        f"{tally.recall:.2f}" if is_planted else "",
        f"{tally.worst_recall:.2f}" if is_planted else "",
        f"{tally.precision:.2f}" if is_planted else "",
        f"{tally.false_a_day:.1f}",
        str(tally.most_false),
        f"{tally.notifications_per_cascade:.2f}" if is_planted else "",
        f"{tally.delay():.1f}" if is_planted else "",
        f"{bursts.median_to_come:.2f}" if is_planted else "",
        f"{tally.market_incidents / tally.days:.1f}",
        f"{tally.false_of_market / tally.days:.1f}",
        f"{tally.longest_market_minutes:.0f}",
        str(tally.untold_majors),
    )
