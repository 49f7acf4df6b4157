"""The last five minutes of a lane in one-second buckets, with running sums over three windows.

Buckets are sparse and ordered: a second without liquidations has none. Every window keeps an
index of its oldest bucket, so moving the clock costs what leaves the windows, once.
"""

from bisect import bisect_left
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter

SHORT_SECONDS = 10
LONG_SECONDS = 300
# A cell counts one in whole tenths, so that sums of weights are integers.
CELL_TENTHS = 10
# Added for every doubling of a cell's dollars beyond the reference.
MARK_TENTHS = 4
# Taken off for every halving below the reference, down to the least.
SMALL_TENTHS = 2
LEAST_TENTHS = 2

CellKey = tuple[str, str, int]
"""Group (venue, or asset in the market's lane), symbol, and which part of the second."""

PricePoint = tuple[int, Decimal]
"""Event time in milliseconds, and price."""


class Bucket:
    """One second: weight of its cells (tenths), liquidations, cents, and the details.

    `cells` maps each cell to its cents. `first` and `last` are the ends in time, `top` is the
    largest liquidation as (minus cents, event id), `complete` counts those of complete feeds.
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

    def __init__(self, second: int) -> None:
        """Start empty."""
        self.second = second
        self.weight = 0
        self.count = 0
        self.cents = 0
        self.complete = 0
        self.cells: dict[CellKey, int] = {}
        self.first: PricePoint | None = None
        self.last: PricePoint | None = None
        self.top: tuple[int, str] | None = None

    def note(self, point: PricePoint, top: tuple[int, str], complete: int) -> None:
        """Take the details of a liquidation in; the result does not depend on their order."""
        if self.first is None or self.last is None or self.top is None:
            self.first = self.last = point
            self.top = top
        else:
            self.first = min(self.first, point)
            self.last = max(self.last, point)
            self.top = min(self.top, top)
        self.complete += complete

    def forget_details(self) -> None:
        """Keep the sums alone."""
        self.cells = {}
        self.first = self.last = self.top = None


_second = attrgetter("second")


def busiest_cents(buckets: list[Bucket], seconds: int) -> int:
    """The most cents in so many seconds on end, of buckets that are in order."""
    busiest = running = tail = 0
    for bucket in buckets:
        running += bucket.cents
        while buckets[tail].second <= bucket.second - seconds:
            running -= buckets[tail].cents
            tail += 1
        busiest = max(busiest, running)
    return busiest


class Ring:
    """Buckets of one lane. `now` is the lane's tick; windows are (now - width, now], in seconds.

    `reference_bits` is the bit length of the cents beyond which a cell weighs more than one;
    None gives every cell the same weight. The floor's window lies between the short and the long
    one and also holds the groups: `group_cells` says how many cells each has, `group_squares` is
    the sum of their squares.
    """

    __slots__ = (
        "_middle",
        "_middle_from",
        "_short_from",
        "buckets",
        "group_cells",
        "group_squares",
        "long_weight",
        "middle_cells",
        "middle_cents",
        "middle_count",
        "middle_weight",
        "now",
        "reference_bits",
        "short_cents",
        "short_weight",
    )

    def __init__(self, middle_seconds: int, reference_bits: int | None) -> None:
        """Start empty at second 0."""
        self._middle = middle_seconds
        self.reference_bits = reference_bits
        self.now = 0
        self._clear()

    def _clear(self) -> None:
        self.buckets: list[Bucket] = []
        self._short_from = self._middle_from = 0
        self.short_weight = self.short_cents = 0
        self.middle_weight = self.middle_cents = self.middle_count = self.middle_cells = 0
        self.long_weight = 0
        self.group_cells: dict[str, int] = {}
        self.group_squares = 0

    def advance(self, now: int, leaving: Callable[[Bucket], None] | None = None) -> None:
        """Move the clock and let go of what leaves the windows.

        `leaving` sees every bucket that leaves the middle window, with its details.
        """
        if now <= self.now:
            return
        self.now = now
        buckets = self.buckets
        if not buckets:
            return
        end = len(buckets)
        index, limit = self._short_from, now - SHORT_SECONDS
        while index < end and (bucket := buckets[index]).second <= limit:
            self.short_weight -= bucket.weight
            self.short_cents -= bucket.cents
            index += 1
        self._short_from = index
        index, limit = self._middle_from, now - self._middle
        while index < end and (bucket := buckets[index]).second <= limit:
            if leaving is not None:
                leaving(bucket)
            self._leave_middle(bucket)
            index += 1
        self._middle_from = index
        limit = now - LONG_SECONDS
        if buckets[0].second > limit:
            return
        gone = 0
        while gone < end and (bucket := buckets[gone]).second <= limit:
            self.long_weight -= bucket.weight
            gone += 1
        del buckets[:gone]
        self._short_from -= gone
        self._middle_from -= gone

    def restore(self, now: int, buckets: list[Bucket]) -> None:
        """Take over buckets, oldest first, as they were at a tick; sums are made again."""
        self.now, self.buckets = now, buckets
        self._short_from = self._middle_from = len(buckets)
        for index in reversed(range(len(buckets))):
            bucket = buckets[index]
            self.long_weight += bucket.weight
            if bucket.second > now - self._middle:
                self._middle_from = index
                self._enter_middle(bucket)
            if bucket.second > now - SHORT_SECONDS:
                self._short_from = index
                self.short_weight += bucket.weight
                self.short_cents += bucket.cents

    def discard_until(self, second: int) -> None:
        """Forget every bucket up to a second."""
        kept = [bucket for bucket in self.buckets if bucket.second > second]
        self._clear()
        self.restore(self.now, kept)

    def add(self, second: int, cell: CellKey, cents: int, count: int = 1) -> tuple[Bucket, int]:
        """Count liquidations in their own second, which must lie in the middle window.

        Gives that second's bucket and the tenths of weight that were added.
        """
        buckets = self.buckets
        bucket = buckets[-1] if buckets else None
        if bucket is None or bucket.second != second:
            bucket = self._bucket(second)
        cells = bucket.cells
        held = cells.get(cell)
        if held is None:
            cells[cell] = cents
            added = self._weight(cents)
            group = cell[0]
            number = self.group_cells.get(group, 0)
            self.group_cells[group] = number + 1
            self.group_squares += 2 * number + 1
            self.middle_cells += 1
        else:
            cells[cell] = held + cents
            added = self._weight(held + cents) - self._weight(held)
        bucket.weight += added
        bucket.cents += cents
        bucket.count += count
        self.long_weight += added
        self.middle_weight += added
        self.middle_cents += cents
        self.middle_count += count
        if second > self.now - SHORT_SECONDS:
            self.short_weight += added
            self.short_cents += cents
        return bucket, added

    @property
    def middle_buckets(self) -> list[Bucket]:
        """The buckets of the middle window, oldest first."""
        return self.buckets[self._middle_from :]

    def buckets_since(self, second: int) -> list[Bucket]:
        """The buckets of a second and of later ones, oldest first."""
        return self.buckets[bisect_left(self.buckets, second, key=_second) :]

    def busiest_short_cents(self) -> int:
        """The most cents in any short window within the middle one."""
        return busiest_cents(self.middle_buckets, SHORT_SECONDS)

    def short_groups(self) -> int:
        """How many groups have a cell in the short window."""
        return len(
            {cell[0] for bucket in self.buckets[self._short_from :] for cell in bucket.cells}
        )

    def _weight(self, cents: int) -> int:
        if self.reference_bits is None:
            return CELL_TENTHS
        doublings = cents.bit_length() - self.reference_bits
        if doublings >= 0:
            return CELL_TENTHS + MARK_TENTHS * doublings
        return max(LEAST_TENTHS, CELL_TENTHS + SMALL_TENTHS * doublings)

    def _bucket(self, second: int) -> Bucket:
        buckets = self.buckets
        index = len(buckets)
        if buckets and second <= buckets[-1].second:
            index = bisect_left(buckets, second, key=_second)
            if buckets[index].second == second:
                return buckets[index]
        bucket = Bucket(second)
        buckets.insert(index, bucket)
        if second <= self.now - SHORT_SECONDS:
            self._short_from += 1
        return bucket

    def _enter_middle(self, bucket: Bucket) -> None:
        self.middle_weight += bucket.weight
        self.middle_cents += bucket.cents
        self.middle_count += bucket.count
        self.middle_cells += len(bucket.cells)
        for group, _, _ in bucket.cells:
            cells = self.group_cells.get(group, 0)
            self.group_cells[group] = cells + 1
            self.group_squares += 2 * cells + 1

    def _leave_middle(self, bucket: Bucket) -> None:
        self.middle_weight -= bucket.weight
        self.middle_cents -= bucket.cents
        self.middle_count -= bucket.count
        self.middle_cells -= len(bucket.cells)
        groups = self.group_cells
        for group, _, _ in bucket.cells:
            cells = groups[group]
            self.group_squares -= 2 * cells - 1
            if cells == 1:
                del groups[group]
            else:
                groups[group] = cells - 1
        # Nothing can join a bucket so old; its weight is all that still counts.
        bucket.forget_details()
