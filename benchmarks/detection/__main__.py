"""Evaluate cascade detectors on synthetic days with known cascades, and on recordings.

    python -m benchmarks.detection [days] [recordings] [signals] [robustness] [frontier]
        [--seeds 30] [--first-seed 40000] [--only-ours] [--short] [--check]
        [--write docs/evaluation.md]

Without a part's name all parts but `frontier` are evaluated; it has no limits, because it compares
other thresholds with the released ones. The same seeds give the same days and, but for the
times, the same tables. With `--check` the exit code is 1 when our detector misses a limit; CI does
that in the short form of `make eval-check`. With `--write` the tables replace those between the
marks of a page.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.detection import frontier, on_recordings, robustness, signals
from benchmarks.detection.day import Day
from benchmarks.detection.limits import Limit, missed
from benchmarks.detection.page import markdown, write_part
from benchmarks.detection.rates import Rates
from benchmarks.detection.table import (
    DETECTORS,
    HEADINGS,
    OURS,
    background_false_a_day,
    compare,
    limits,
)

# Neither CI (seeds from 8000) nor the choice of thresholds (from 1000) has used these seeds.
FIRST_SEED: Final = 40_000
BACKGROUND_DAYS: Final = 6
SIGNAL_DAYS: Final = 12
FRONTIER_DAYS: Final = 12


class Evaluated(NamedTuple):
    """The tables of one part, and the limits on our detector's figures in it."""

    text: str
    limits: list[Limit]


def evaluate_days(arguments: argparse.Namespace) -> Evaluated:
    names = [OURS] if arguments.only_ours else list(DETECTORS)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)

    rates = Rates()

    def on_day(day: Day) -> None:
        rates.add(day)
        print(f"day {day.seed}: {len(day.observations):,} events", file=sys.stderr)

    results = compare(seeds, names, on_day)
    text = markdown(HEADINGS, [result.row(name) for name, result in results.items()])
    if not arguments.only_ours:
        calm = background_false_a_day(list(seeds)[:BACKGROUND_DAYS], names)
        text += "\n\nFalse incidents a day without any cascade, by traffic:\n\n"
        text += markdown(("detector", "0.3x", "1x", "3x"), calm)
    text += "\n\nPublished liquidations an hour at x1:\n\n" + rates.table()
    return Evaluated(text, limits(results[OURS].tally))


def evaluate_recordings(arguments: argparse.Namespace) -> Evaluated:
    names = (OURS,) if arguments.only_ours else on_recordings.COMPARED
    found = {name: on_recordings.incidents_on_recordings(name) for name in names}
    ours = on_recordings.limits(
        on_recordings.tally(found[OURS]), on_recordings.tally_of_variants(OURS)
    )
    return Evaluated(on_recordings.report(found), ours)


def evaluate_robustness(arguments: argparse.Namespace) -> Evaluated:
    judged = robustness.tallies(
        first_seed=arguments.first_seed,
        is_short=arguments.short,
        processes=arguments.processes,
        wanted=arguments.rows,
    )
    return Evaluated(robustness.report(judged), robustness.limits(judged))


def evaluate_signals(arguments: argparse.Namespace) -> Evaluated:
    seeds = range(arguments.first_seed, arguments.first_seed + min(SIGNAL_DAYS, arguments.seeds))
    found = signals.signals(seeds=seeds, processes=arguments.processes)
    return Evaluated(signals.report(found), signals.limits(found))


def evaluate_frontier(arguments: argparse.Namespace) -> Evaluated:
    seeds = range(arguments.first_seed, arguments.first_seed + min(FRONTIER_DAYS, arguments.seeds))
    found = frontier.measure(seeds=seeds, processes=arguments.processes)
    return Evaluated(frontier.report(found), [])


PARTS: Final[dict[str, Callable[[argparse.Namespace], Evaluated]]] = {
    "days": evaluate_days,
    "recordings": evaluate_recordings,
    "signals": evaluate_signals,
    "robustness": evaluate_robustness,
    "frontier": evaluate_frontier,
}
WITH_LIMITS: Final = tuple(part for part in PARTS if part != "frontier")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=30, help="number of days")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--short", action="store_true", help="few days of each condition")
    parser.add_argument("--only-ours", action="store_true", help="leave the rivals out")
    parser.add_argument("--rows", default="", help="of robustness: those whose names have this")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    parser.add_argument("--write", type=Path, help="a page whose tables to replace")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    sentences = []
    for part in arguments.parts or WITH_LIMITS:
        evaluated = PARTS[part](arguments)
        print(f"== {part}\n{evaluated.text}", flush=True)
        sentences += [f"{part}: {sentence}" for sentence in missed(evaluated.limits)]
        if arguments.write:
            write_part(arguments.write, part, evaluated.text)
    for sentence in sentences:
        print(f"limit missed: {sentence}", file=sys.stderr)
    sys.exit(arguments.check and bool(sentences))


if __name__ == "__main__":
    main()
