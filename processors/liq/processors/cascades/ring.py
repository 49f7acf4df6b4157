"""The last five minutes of a lane in one-second buckets, with running sums.

Buckets are sparse and ordered: a second without liquidations has none. Sums are kept of the long
window and of the middle one, which decides whether a lane is worth a look at all; its oldest
bucket is kept as an index, so moving the clock costs what leaves the windows, once. What only a
closer look needs is summed when it is asked for, at most once a second.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Final

SHORT_SECONDS = 10
LONG_SECONDS = 300
# A cell counts one in whole tenths, so that sums of weights are integers.
CELL_TENTHS: Final = 10
# Added for every doubling of a cell's dollars beyond the reference.
MARK_TENTHS = 4
# Taken off for every halving below the reference, down to the least.
SMALL_TENTHS = 2
LEAST_TENTHS = 2
# No sum of cents comes near so many bits.
MAX_BITS = 128

_second, _weight, _cents = attrgetter("second"), attrgetter("weight"), attrgetter("cents")
_cells, _group = attrgetter("cells"), itemgetter(0)

CellKey = tuple[str, str, int]
"""Group (venue, or asset in the market's lane), symbol, and which part of the second."""

PricePoint = tuple[int, Decimal]
"""Event time in milliseconds, and price."""

Top = tuple[int, str]
"""A liquidation by size: minus cents, event id."""


@cache
def weights(reference_bits: int | None) -> tuple[int, ...]:
    """The tenths that a cell weighs, by the bit length of its cents."""
    if reference_bits is None:
        return (CELL_TENTHS,) * MAX_BITS
    return tuple(
        CELL_TENTHS + MARK_TENTHS * (bits - reference_bits)
        if bits >= reference_bits
        else max(LEAST_TENTHS, CELL_TENTHS - SMALL_TENTHS * (reference_bits - bits))
        for bits in range(MAX_BITS)
    )


class Bucket:
    """One second: weight of its cells (tenths), liquidations, cents, and the details.

    `cells` maps each cell to its cents. `first` and `last` are the ends in time, `top` is the
    largest liquidation, `complete` counts those of complete feeds. The details (cells, ends,
    largest) go when the second leaves the middle window: nothing can join it any more.
    """

    __slots__ = (
        "cells",
        "cents",
        "complete",
        "count",
        "first",
        "last",
        "second",
        "top",
        "weight",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - one argument for each thing that is kept
        self,
        second: int,
        weight: int,
        count: int,
        cents: int,
        complete: int,
        cells: dict[CellKey, int],
        point: PricePoint | None,
        top: Top | None,
    ) -> None:
        """Start with liquidations of one time and price."""
        self.second = second
        self.weight = weight
        self.count = count
        self.cents = cents
        self.complete = complete
        self.cells = cells
        self.first = self.last = point
        self.top = top

    def add(  # noqa: PLR0913, PLR0917 - as above
        self,
        weights: tuple[int, ...],
        cell: CellKey,
        cents: int,
        point: PricePoint,
        top: Top,
        complete: int,
        count: int,
    ) -> int:
        """Count more liquidations in; gives the tenths of weight that were added."""
        held = self.cells.get(cell)
        if held is None:
            tenths = weights[cents.bit_length()]
            self.cells[cell] = cents
        else:
            tenths = weights[(held + cents).bit_length()] - weights[held.bit_length()]
            self.cells[cell] = held + cents
        self.weight += tenths
        self.count += count
        self.cents += cents
        self.complete += complete
        if self.first is None or point < self.first:
            self.first = point
        if self.last is None or point > self.last:
            self.last = point
        if self.top is None or top < self.top:
            self.top = top
        return tenths

    def forget_details(self) -> None:
        """Keep the sums alone."""
        self.cells = {}
        self.first = self.last = self.top = None


def weight_of(buckets: Iterable[Bucket]) -> int:
    """The tenths of weight of some buckets."""
    return sum(map(_weight, buckets))


def cents_of(buckets: Iterable[Bucket]) -> int:
    """The cents of some buckets."""
    return sum(map(_cents, buckets))


def busiest_cents(buckets: list[Bucket], seconds: int) -> int:
    """The most cents in so many seconds on end, of buckets that are in order."""
    busiest = running = tail = 0
    for bucket in buckets:
        running += bucket.cents
        oldest = bucket.second - seconds
        while buckets[tail].second <= oldest:
            running -= buckets[tail].cents
            tail += 1
        busiest = max(busiest, running)
    return busiest


class Ring:
    """Buckets of one lane. `now` is the lane's tick; windows are (now - width, now], in seconds.

    `reference_bits` is the bit length of the cents beyond which a cell weighs more than one;
    None gives every cell the same weight. The floor's window is the middle one.
    """

    __slots__ = (
        "_middle",
        "_middle_from",
        "_weights",
        "buckets",
        "middle_cents",
        "middle_count",
        "now",
        "tick_cents",
        "tick_tenths",
    )

    def __init__(self, middle_seconds: int, reference_bits: int | None) -> None:
        """Start empty at second 0."""
        self._middle = middle_seconds
        self._weights = weights(reference_bits)
        self.now = 0
        self.tick_tenths = self.tick_cents = 0
        self._clear()

    def _clear(self) -> None:
        self.buckets: list[Bucket] = []
        self._middle_from = self.middle_cents = self.middle_count = 0

    def advance(self, now: int, leaving: Callable[[Bucket], None] | None = None) -> None:
        """Move the clock on and let go of what leaves the windows.

        `leaving` sees every bucket that leaves the middle window, with its details.
        """
        self.now = now
        buckets = self.buckets
        if not buckets:
            return
        if leaving is None and buckets[-1].second <= now - LONG_SECONDS:
            self._clear()
            return
        index, end, limit = self._middle_from, len(buckets), now - self._middle
        while index < end and (bucket := buckets[index]).second <= limit:
            if leaving is not None:
                leaving(bucket)
            self.middle_cents -= bucket.cents
            self.middle_count -= bucket.count
            bucket.forget_details()
            index += 1
        if buckets[0].second <= now - LONG_SECONDS:
            gone = bisect_right(buckets, now - LONG_SECONDS, key=_second)
            del buckets[:gone]
            index -= gone
        self._middle_from = index

    def restore(self, now: int, buckets: list[Bucket]) -> None:
        """Take over buckets, oldest first, as they were at a tick; sums are made again."""
        self.now, self.buckets = now, buckets
        self._middle_from = bisect_right(buckets, now - self._middle, key=_second)
        self.middle_cents = cents_of(self.middle_buckets)
        self.middle_count = sum(bucket.count for bucket in self.middle_buckets)

    def discard_until(self, second: int) -> None:
        """Forget every bucket up to a second."""
        self.restore(self.now, [bucket for bucket in self.buckets if bucket.second > second])

    def add(  # noqa: PLR0913, PLR0917 - one argument for each thing that is kept of a liquidation
        self,
        second: int,
        cell: CellKey,
        cents: int,
        point: PricePoint,
        top: Top,
        complete: int,
        count: int = 1,
    ) -> None:
        """Count liquidations in their own second, which must lie in the middle window.

        What is kept does not depend on their order. `point` is the time and price of one of them,
        `top` the largest.
        """
        buckets = self.buckets
        if buckets and second <= buckets[-1].second:
            tenths = self._add_to_older(second, cell, cents, point, top, complete, count)
        else:
            tenths = self._weights[cents.bit_length()]
            buckets.append(
                Bucket(second, tenths, count, cents, complete, {cell: cents}, point, top)
            )
        self.middle_cents += cents
        self.middle_count += count
        self.tick_cents += cents
        self.tick_tenths += tenths

    def _add_to_older(  # noqa: PLR0913, PLR0917 - as above
        self,
        second: int,
        cell: CellKey,
        cents: int,
        point: PricePoint,
        top: Top,
        complete: int,
        count: int,
    ) -> int:
        buckets = self.buckets
        index = bisect_left(buckets, second, key=_second)
        if buckets[index].second != second:
            buckets.insert(index, Bucket(second, 0, 0, 0, 0, {}, point, top))
        return buckets[index].add(self._weights, cell, cents, point, top, complete, count)

    @property
    def middle_buckets(self) -> list[Bucket]:
        """The buckets of the middle window, oldest first."""
        return self.buckets[self._middle_from :]

    @property
    def short_buckets(self) -> list[Bucket]:
        """The buckets of the short window, oldest first."""
        return self.buckets_since(self.now - SHORT_SECONDS + 1)

    def buckets_since(self, second: int) -> list[Bucket]:
        """The buckets of a second and of later ones, oldest first."""
        return self.buckets[bisect_left(self.buckets, second, key=_second) :]

    def busiest_short_cents(self) -> int:
        """The most cents in any short window within the middle one."""
        return busiest_cents(self.middle_buckets, SHORT_SECONDS)

    def groups(self) -> Counter[str]:
        """How many cells of the middle window each group has."""
        return Counter(map(_group, chain.from_iterable(map(_cells, self.middle_buckets))))

    def short_groups(self) -> int:
        """How many groups have a cell in the short window."""
        return len(set(map(_group, chain.from_iterable(map(_cells, self.short_buckets)))))
