"""The last five minutes of a lane in one-second buckets, with running sums.

Buckets are sparse and ordered: a second without liquidations has no bucket. The ring maintains the
sums of the middle window, which decide whether a lane needs an evaluation, and the index of that
window's oldest bucket, so advancing the clock costs only the buckets that leave a window. All other
sums are computed on request, at most once a second.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Final

from liq.processors.cascades.prices import Quote

SHORT_SECONDS = 10
LONG_SECONDS = 300
# Weights are in tenths of a cell, so that their sums are integers.
CELL_TENTHS: Final = 10
# Added for every doubling of a cell's dollars beyond the reference.
MARK_TENTHS = 4
# Subtracted for every halving below the reference, down to LEAST_TENTHS.
SMALL_TENTHS = 2
LEAST_TENTHS = 2
# Far more bits than any sum of cents.
MAX_BITS = 128

_second, _weight, _cents = attrgetter("second"), attrgetter("weight"), attrgetter("cents")
_cells, _group = attrgetter("cells"), itemgetter(0)

CellKey = tuple[str, str, int]
"""Group (venue, or asset in the market's lane), symbol, and half of the second (0 or 1)."""

Top = tuple[int, str]
"""A liquidation as a sort key, the largest first: minus cents, event id."""


@cache
def weights(reference_bits: int | None) -> tuple[int, ...]:
    """Return the weight of a cell in tenths, by the bit length of its cents."""
    if reference_bits is None:
        return (CELL_TENTHS,) * MAX_BITS
    return tuple(
        CELL_TENTHS + MARK_TENTHS * (bits - reference_bits)
        if bits >= reference_bits
        else max(LEAST_TENTHS, CELL_TENTHS - SMALL_TENTHS * (reference_bits - bits))
        for bits in range(MAX_BITS)
    )


class Bucket:
    """One second: weight of its cells (tenths), liquidations, cents, and details.

    `cells` maps each cell to its cents. `first` and `last` are the first and the last price of the
    second's best series, `latest_ms` is the latest event time, `top` the largest liquidation,
    `complete` counts those of complete feeds. The details (cells, prices, latest time, largest) are
    dropped when the second leaves the middle window, since it can receive no more liquidations.
    """

    __slots__ = (
        "cells",
        "cents",
        "complete",
        "count",
        "first",
        "last",
        "latest_ms",
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
        quote: Quote | None,
        top: Top | None,
    ) -> None:
        """Start with liquidations of one time and price."""
        self.second = second
        self.weight = weight
        self.count = count
        self.cents = cents
        self.complete = complete
        self.cells = cells
        self.first = self.last = quote
        self.latest_ms = 0 if quote is None else quote[1]
        self.top = top

    def add(  # noqa: PLR0913, PLR0917 - as above
        self,
        weights: tuple[int, ...],
        cell: CellKey,
        cents: int,
        quote: Quote,
        top: Top,
        complete: int,
        count: int,
    ) -> int:
        """Count more liquidations; return the added weight in tenths."""
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
        if quote[1] > self.latest_ms:  # noqa: PLR1730 - on the hot path
            self.latest_ms = quote[1]
        first, last = self.first, self.last
        if first is None or last is None or quote[0] < first[0]:
            self.first = self.last = quote
        elif quote[0] == first[0]:
            if quote < first:
                self.first = quote
            elif quote > last:
                self.last = quote
        if self.top is None or top < self.top:
            self.top = top
        return tenths

    def forget_details(self) -> None:
        """Drop everything but the sums."""
        self.cells = {}
        self.first = self.last = self.top = None
        self.latest_ms = 0


def weight_of(buckets: Iterable[Bucket]) -> int:
    """Return the total weight of buckets, in tenths."""
    return sum(map(_weight, buckets))


def cents_of(buckets: Iterable[Bucket]) -> int:
    """Return the total cents of buckets."""
    return sum(map(_cents, buckets))


def busiest_cents(buckets: list[Bucket], seconds: int) -> int:
    """Return the most cents in any window of `seconds`; the buckets must be ordered."""
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
    """The buckets of one lane; windows are (now - width, now] in seconds, `now` is the lane's tick.

    `reference_bits` is the bit length of the cents beyond which a cell weighs more than one; None
    weighs every cell equally. The floor's window is the middle one.
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
        """Advance the clock and drop what leaves the windows.

        `leaving` receives every bucket that leaves the middle window, with its details.
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
        """Replace the buckets (oldest first) and the tick, and recompute the sums."""
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
        quote: Quote,
        top: Top,
        complete: int,
        count: int = 1,
    ) -> None:
        """Count liquidations in their own second, which must lie in the middle window.

        The result does not depend on their order. `quote` is the price of one of them, `top` the
        largest, `complete` the number from complete feeds, `count` the number of all.
        """
        buckets = self.buckets
        if buckets and second <= buckets[-1].second:
            tenths = self._add_to_older(second, cell, cents, quote, top, complete, count)
        else:
            tenths = self._weights[cents.bit_length()]
            buckets.append(
                Bucket(second, tenths, count, cents, complete, {cell: cents}, quote, top)
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
        quote: Quote,
        top: Top,
        complete: int,
        count: int,
    ) -> int:
        buckets = self.buckets
        index = bisect_left(buckets, second, key=_second)
        if buckets[index].second != second:
            buckets.insert(index, Bucket(second, 0, 0, 0, 0, {}, quote, top))
        return buckets[index].add(self._weights, cell, cents, quote, top, complete, count)

    @property
    def middle_buckets(self) -> list[Bucket]:
        """The buckets of the middle window, oldest first."""
        return self.buckets[self._middle_from :]

    @property
    def short_buckets(self) -> list[Bucket]:
        """The buckets of the short window, oldest first."""
        return self.buckets_since(self.now - SHORT_SECONDS + 1)

    def buckets_since(self, second: int) -> list[Bucket]:
        """Return the buckets from a second on, oldest first."""
        return self.buckets[bisect_left(self.buckets, second, key=_second) :]

    def busiest_short_cents(self) -> int:
        """Return the most cents in any short window within the middle one."""
        return busiest_cents(self.middle_buckets, SHORT_SECONDS)

    def groups(self) -> Counter[str]:
        """Return the number of cells of each group in the middle window."""
        return Counter(map(_group, chain.from_iterable(map(_cells, self.middle_buckets))))

    def short_groups(self) -> int:
        """Return the number of groups with a cell in the short window."""
        return len(set(map(_group, chain.from_iterable(map(_cells, self.short_buckets)))))
