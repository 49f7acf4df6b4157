"""The reduction of price levels by time to a readable number of rows and columns."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

# Level, start of the step, dollars.
Cell = tuple[Decimal, datetime, Decimal]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Dollars by level (rows, the highest first) and time (columns).

    Every level between the highest and the lowest has a row: `step` is their distance.
    """

    levels: tuple[Decimal, ...]
    starts: tuple[datetime, ...]
    step: Decimal
    usd: dict[tuple[int, int], Decimal]

    def place(self, level: Decimal, start: datetime) -> tuple[int, int] | None:
        """Return the row and column of a level of a step; None outside the map."""
        column = bisect_right(self.starts, start) - 1
        rounded = _rounded(level, self.step)
        if column < 0 or not self.levels or not self.levels[-1] <= rounded <= self.levels[0]:
            return None
        return int((self.levels[0] - rounded) / self.step), column

    @property
    def largest_usd(self) -> Decimal:
        """The dollars of the largest cell."""
        return max(self.usd.values(), default=Decimal(0))

    def heat(self, row: int, column: int) -> float:
        """Return the heat of a cell: 0 without dollars, 1 for the largest cell.

        The scale is logarithmic over three powers of ten, because dollars differ that much.
        """
        value = float(self.usd.get((row, column), 0))
        if value <= 0:
            return 0.0
        return max(0.05, 1 + math.log10(value / float(self.largest_usd)) / 3)


def heat_map(
    cells: Iterable[Cell], starts: Iterable[datetime], *, rows: int, columns: int
) -> HeatMap:
    """Merge levels and steps of time to at most `rows` and `columns`.

    Merged levels are multiples of a wider step: 1, 2 or 5 times a power of ten.
    """
    filled = [cell for cell in cells if cell[2] > 0]
    times = tuple(starts)
    together = max(1, math.ceil(len(times) / columns))
    column_of = {start: number // together for number, start in enumerate(times)}
    step = _step([level for level, _, _ in filled], rows)
    sums: dict[tuple[Decimal, int], Decimal] = defaultdict(Decimal)
    for level, start, usd in filled:
        if start in column_of:
            sums[_rounded(level, step), column_of[start]] += usd
    found = [level for level, _ in sums]
    levels = _every_level(found, step)
    row_of = {level: number for number, level in enumerate(levels)}
    return HeatMap(
        levels,
        times[::together],
        step,
        {(row_of[level], column): usd for (level, column), usd in sums.items()},
    )


def _rounded(level: Decimal, step: Decimal) -> Decimal:
    return (level / step).to_integral_value() * step


def _step(levels: list[Decimal], rows: int) -> Decimal:
    """Return the least 1-2-5 step that fits the rows and is at least the levels' distance."""
    distinct = sorted(set(levels))
    if len(distinct) < 2:  # noqa: PLR2004 - one level has no distance to another
        return distinct[0] if distinct else Decimal(1)
    # Rounding to the step adds up to one row.
    fitting = (distinct[-1] - distinct[0]) / max(1, rows - 2)
    wanted = max(fitting, min(later - earlier for earlier, later in pairwise(distinct)))
    power = Decimal(10) ** wanted.adjusted()
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= wanted)


def _every_level(levels: list[Decimal], step: Decimal) -> tuple[Decimal, ...]:
    if not levels:
        return ()
    highest, lowest = max(levels), min(levels)
    count = int((highest - lowest) / step) + 1
    return tuple(highest - step * number for number in range(count))
