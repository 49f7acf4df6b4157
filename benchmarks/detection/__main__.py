"""Compare cascade detectors over synthetic days with known cascades.

    python -m benchmarks.detection [--seeds 30] [--first-seed 8000] [--write docs/detection.md]

The same seeds give the same days and, but for the times, the same table. With `--check`, the
exit code is 1 when our detector misses a limit; CI does that over six days. With `--write`, the
tables replace those between the two marks in a page.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.detection.day import Day
from benchmarks.detection.planted import Kind
from benchmarks.detection.scorer import Tally
from benchmarks.detection.table import (
    DETECTORS,
    HEADINGS,
    background_false_a_day,
    compare,
    markdown,
)

OURS = "adaptive (ours)"
BACKGROUND_DAYS = 6
BEGIN, END = "<!-- begin: make eval -->", "<!-- end: make eval -->"
# Six days are few: the limits leave room for chance and none for a broken detector.
LEAST_RECALL, LEAST_RECALL_OF_SMALL, LEAST_PRECISION = 0.94, 0.80, 0.92
MOST_FALSE_A_DAY, MOST_MESSAGES_A_CASCADE, MOST_FRAGMENTS = 1.2, 3.5, 1.05
MOST_DELAY_SECONDS, MOST_WATCH_SECONDS = 7.0, 3.6


def failures(tally: Tally) -> list[str]:
    """The limits that a result misses, as sentences."""
    small = tally.recall_of(Kind.SMALL)
    delay, watch = tally.delay([Kind.SLOW]), tally.delay([Kind.SLOW], watch=True)
    checks: Sequence[tuple[bool, str]] = (
        (tally.recall >= LEAST_RECALL, f"recall {tally.recall:.3f} < {LEAST_RECALL}"),
        (
            tally.precision >= LEAST_PRECISION,
            f"precision {tally.precision:.3f} < {LEAST_PRECISION}",
        ),
        (small >= LEAST_RECALL_OF_SMALL, f"small alts: recall {small:.2f}"),
        (delay <= MOST_DELAY_SECONDS, f"{delay:.1f} s to the start, slow burns apart"),
        (watch <= MOST_WATCH_SECONDS, f"{watch:.1f} s to the first word, slow burns apart"),
        (tally.false_a_day <= MOST_FALSE_A_DAY, f"{tally.false_a_day:.2f} false incidents a day"),
        (
            tally.notifications_per_cascade <= MOST_MESSAGES_A_CASCADE,
            f"{tally.notifications_per_cascade:.2f} messages a cascade",
        ),
        (tally.fragmentation <= MOST_FRAGMENTS, f"{tally.fragmentation:.3f} fragments a cascade"),
    )
    return [sentence for holds, sentence in checks if not holds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30, help="number of days")
    parser.add_argument("--first-seed", type=int, default=8000)
    parser.add_argument("--only-ours", action="store_true", help="leave the rivals out")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    parser.add_argument("--write", type=Path, help="a page whose tables to replace")
    arguments = parser.parse_args()
    names = [OURS] if arguments.only_ours else list(DETECTORS)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)

    def on_day(day: Day) -> None:
        print(f"day {day.seed}: {len(day.observations):,} events", file=sys.stderr)

    results = compare(seeds, names, on_day)
    text = markdown(HEADINGS, [result.row(name) for name, result in results.items()])
    print(text)
    if arguments.write:
        calm = background_false_a_day(list(seeds)[:BACKGROUND_DAYS], names)
        text += "\n\nFalse incidents a day without any cascade, by traffic:\n\n"
        text += markdown(("detector", "0.3x", "1x", "3x"), calm)
        page = arguments.write.read_text()
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        arguments.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    missed = failures(results[OURS].tally) if arguments.check else []
    for sentence in missed:
        print(f"limit missed: {sentence}", file=sys.stderr)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
