"""The one table of a run: rows of ours, the plain loop's and their ratio, and limits on ratios."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.workers.figures import Quartiles, quartiles, ratios


@dataclass(frozen=True, slots=True)
class Row:
    """A measure: medians of the rounds, and the quartiles of ours / plain loop in each round.

    `ratio` is None where there is no plain loop to compare with. `note` is what the row says
    besides.
    """

    measure: str
    ours: float
    peer: float | None = None
    ratio: Quartiles | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of a row's median ratio, in the long form and, wider, in the short one."""

    least: float = 0.0
    most: float = float("inf")
    short_least: float = 0.0
    short_most: float = float("inf")

    def verdict(self, ratio: float, *, is_short: bool) -> str:
        """Return what is missed, or nothing."""
        least = self.short_least if is_short else self.least
        most = self.short_most if is_short else self.most
        if ratio < least:
            return f"{ratio:.2f} is below {least:.2f}"
        if ratio > most:
            return f"{ratio:.2f} is above {most:.2f}"
        return ""


DETECT_RATE: Final = "detect, events/s"

#: Every limit that `--check` holds, by measure.
#:
#: The short form's are wider by what a pair of two equal loops differed in at most on two cores
#: that other work shared (load 5 to 10, 2026-11-29): 1.5 times in rate, 1.6 in an event's delay,
#: 1.06 in processor time, of which its medians see less.
#: A loop's own time is held against work that is not ours, for a ratio that a slower loop wins is
#: lost: at e5e5d9a, in the same rounds, it was 22.6 and 23.5 yardsticks.
LIMITS: Final[Mapping[str, Limit]] = {
    "normalize, events/s": Limit(least=0.75, short_least=0.55),
    "normalize, CPU us an event": Limit(most=1.4, short_most=1.5),
    "normalize, loop's CPU us / yardstick's": Limit(most=24.0, short_most=26.5),
    DETECT_RATE: Limit(least=0.75, short_least=0.55),
    "detect, CPU us an event": Limit(most=1.4, short_most=1.5),
    "detect, loop's CPU us / yardstick's": Limit(most=25.0, short_most=27.5),
    "1,000/s, event p50, ms": Limit(most=1.5, short_most=2.4),
    "1,000/s, event p99, ms": Limit(most=1.5, short_most=2.4),
    "1,000/s, alert p50, ms": Limit(most=2.0, short_most=3.2),
}


def compared(measure: str, ours: Sequence[float], peers: Sequence[float], note: str = "") -> Row:
    """Return the row of a measure that both have, round by round."""
    middle = quartiles(ours).middle
    return Row(measure, middle, quartiles(peers).middle, ratios(ours, peers), note)


def print_rows(rows: Iterable[Row], *, is_short: bool) -> None:
    """Print rows of the table."""
    for row in rows:
        print(f"{row.measure:<44}{_figure(row.ours):>11}", end="")
        print(f"{'' if row.peer is None else _figure(row.peer):>11}", end="")
        if row.ratio is None:
            print(f"{'':>32}", end="")
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
    return found


def _bounds(measure: str, *, is_short: bool) -> str:
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
