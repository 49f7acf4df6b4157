"""Totals of a cascade, made of whole buckets, in bounded space."""

from dataclasses import dataclass, field

from liq.processors.cascades.ring import Bucket, PricePoint

LARGEST_KEPT = 5
MAX_SYMBOLS = 256


@dataclass(slots=True)
class GroupTotal:
    """What one venue (or asset, in the market's lane) brought; `first` is its first half second."""

    first: int
    cells: int
    cents: int


@dataclass(slots=True)
class Totals:
    """Everything that is told of a stretch of time; adding buckets in any order gives the same.

    `largest` holds (minus cents, event id), so that it sorts by value and then by id. Beyond
    `MAX_SYMBOLS` names, groups and symbols are no longer told apart; the sums stay exact.
    """

    count: int = 0
    cents: int = 0
    cells: int = 0
    complete: int = 0
    first: PricePoint | None = None
    last: PricePoint | None = None
    largest: list[tuple[int, str]] = field(default_factory=list)
    groups: dict[str, GroupTotal] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)

    def add(self, bucket: Bucket) -> None:
        """Count a second in."""
        self.count += bucket.count
        self.cents += bucket.cents
        self.complete += bucket.complete
        self.cells += len(bucket.cells)
        for (group, symbol, part), cents in bucket.cells.items():
            self._add_group(group, GroupTotal(2 * bucket.second + part, 1, cents))
            if len(self.symbols) < MAX_SYMBOLS:
                self.symbols.add(symbol)
        self._add_points(bucket.first, bucket.last)
        if bucket.top is not None:
            self._add_large(bucket.top)

    def merge(self, other: "Totals") -> None:
        """Count in everything that others hold."""
        self.count += other.count
        self.cents += other.cents
        self.cells += other.cells
        self.complete += other.complete
        for group, total in other.groups.items():
            self._add_group(group, total)
        self.symbols |= other.symbols
        self._add_points(other.first, other.last)
        for large in other.largest:
            self._add_large(large)

    def copy(self) -> "Totals":
        """Totals of their own with the same content."""
        made = Totals()
        made.merge(self)
        return made

    def _add_group(self, group: str, total: GroupTotal) -> None:
        held = self.groups.get(group)
        if held is None:
            if len(self.groups) < MAX_SYMBOLS:
                self.groups[group] = GroupTotal(total.first, total.cells, total.cents)
            return
        held.first = min(held.first, total.first)
        held.cells += total.cells
        held.cents += total.cents

    def _add_points(self, first: PricePoint | None, last: PricePoint | None) -> None:
        if first is not None and (self.first is None or first < self.first):
            self.first = first
        if last is not None and (self.last is None or last > self.last):
            self.last = last

    def _add_large(self, item: tuple[int, str]) -> None:
        largest = self.largest
        if len(largest) < LARGEST_KEPT:
            largest.append(item)
            largest.sort()
        elif item < largest[-1]:
            largest[-1] = item
            largest.sort()
