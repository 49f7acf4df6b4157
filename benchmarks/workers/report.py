"""The table of a run: figures of the worker, of the plain loop, their ratio, and limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.workers.figures import Quartiles, quartiles, ratios
from benchmarks.workers.processes import WORKERS


@dataclass(frozen=True, slots=True)
class Row:
    """A measure: medians of the rounds, and the quartiles of ours / plain loop in each round.

    `ratio` is None without a plain loop to compare with. `note` is further text of the row.
    """

    measure: str
    ours: float
    peer: float | None = None
    ratio: Quartiles | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """The bounds of a row's median ratio, in the long form and, wider, in the short form."""

    least: float = 0.0
    most: float = float("inf")
    short_least: float = 0.0
    short_most: float = float("inf")

    def verdict(self, ratio: float, *, is_short: bool) -> str:
        """Return a clause about the missed bound; empty if the ratio is within the bounds."""
        least = self.short_least if is_short else self.least
        most = self.short_most if is_short else self.most
        if ratio < least:
            return f"{ratio:.2f} is below {least:.2f}"
        if ratio > most:
            return f"{ratio:.2f} is above {most:.2f}"
        return ""


DETECT_RATE: Final = "detect, events/s"
MEMORY: Final = "most memory in the backlog, MiB"
MEMORY_OF_MANY: Final = "most memory, 144 raw partitions, MiB"

#: The limits of `--check`, by measure.
#:
#: Those of the short form are wider by the greatest difference of two equal loops on two cores with
#: other load (5 to 10, 2026-11-29): 1.5 times in rate, 1.6 in an event's delay, 1.06 in processor
#: time, of which medians show less.
#: A loop's own time is compared with independent work, because a slower loop would improve the
#: ratio: at e5e5d9a, in the same rounds, it was 22.6 and 23.5 yardsticks.
LIMITS: Final[Mapping[str, Limit]] = {
    "normalize, events/s": Limit(least=0.75, short_least=0.55),
    "normalize, CPU us an event": Limit(most=1.4, short_most=1.5),
    "normalize, loop's CPU us / yardstick's": Limit(most=24.0, short_most=32.0),
    DETECT_RATE: Limit(least=0.75, short_least=0.55),
    "detect, CPU us an event": Limit(most=1.4, short_most=1.5),
    "detect, loop's CPU us / yardstick's": Limit(most=25.0, short_most=32.0),
    "1,000/s, event p50, ms": Limit(most=1.5),
    "1,000/s, event p99, ms": Limit(most=1.5),
    "1,000/s, alert p50, ms": Limit(most=2.0),
    # For the short form: a stage that waits needlessly is late by a factor of ten or more.
    "300/s, event p50, ms": Limit(short_most=3.0),
    "300/s, event p99, ms": Limit(short_most=4.0),
    "300/s, alert p50, ms": Limit(short_most=3.0),
}

#: Bounds of the worker's own figures that hardly depend on the machine: memory, processor time.
MOST: Final[Mapping[str, float]] = {
    **{f"{stage}, {MEMORY}": 256.0 for stage in ("normalize", "detect")},
    **{f"{stage}, {MEMORY_OF_MANY}": 256.0 for stage in ("normalize", "detect", "sink")},
    **{f"{stage}, start to ready, CPU s": 2.0 for stage in WORKERS},
    **{f"{stage}, idle, % of a core": 3.0 for stage in WORKERS},
    "detect, old state, ready to output, CPU s": 1.0,
}


def compared(measure: str, ours: Sequence[float], peers: Sequence[float], note: str = "") -> Row:
    """Return the row of a measure of both worker and loop, round by round."""
    middle = quartiles(ours).middle
    return Row(measure, middle, quartiles(peers).middle, ratios(ours, peers), note)


def print_rows(rows: Iterable[Row], *, is_short: bool) -> None:
    """Print rows of the table."""
    for row in rows:
        print(f"{row.measure:<44}{_figure(row.ours):>11}", end="")
        print(f"{'' if row.peer is None else _figure(row.peer):>11}", end="")
        if row.ratio is None:
            print(f"{'':>24}", end="")
        else:
            print(f"{row.ratio.low:>8.2f}{row.ratio.middle:>8.2f}{row.ratio.high:>8.2f}", end="")
        print(f"{_bounds(row.measure, is_short=is_short):>8}", end="")
        print(f"  {row.note}".rstrip(), flush=True)


def print_heading(rounds: int, delay_rounds: int) -> None:
    """Print the table's first line."""
    medians = f"medians of {rounds} rounds, of delays {delay_rounds}"
    print(f"{medians:<44}{'ours':>11}{'loop':>11}", end="")
    print(f"{'25 %':>8}{'50 %':>8}{'75 %':>8}{'limit':>8}", flush=True)


def missed(rows: Iterable[Row], *, is_short: bool) -> list[str]:
    """Return a sentence for each limit that a row misses."""
    found = []
    for row in rows:
        limit = LIMITS.get(row.measure)
        if limit is not None and row.ratio is not None:
            verdict = limit.verdict(row.ratio.middle, is_short=is_short)
            if verdict:
                found.append(f"{row.measure}: the ratio {verdict}")
        most = MOST.get(row.measure)
        if most is not None and row.ours > most:
            found.append(f"{row.measure}: {_figure(row.ours)} is above {_figure(most)}")
    return found


def _bounds(measure: str, *, is_short: bool) -> str:
    if (most := MOST.get(measure)) is not None:
        return f"<={most:g}"
    limit = LIMITS.get(measure)
    if limit is None:
        return ""
    least = limit.short_least if is_short else limit.least
    most = limit.short_most if is_short else limit.most
    return f">={least:.2f}" if least else f"<={most:.2f}"


def _figure(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
