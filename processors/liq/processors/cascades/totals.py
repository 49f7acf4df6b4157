"""Totals of a cascade, summed from whole buckets in bounded space."""

from dataclasses import dataclass, field

from liq.processors.cascades.prices import Series, Span
from liq.processors.cascades.ring import Bucket

LARGEST_KEPT = 5
MAX_SYMBOLS = 256
MAX_SERIES = 32


@dataclass(slots=True)
class GroupTotal:
    """The totals of one venue (asset, in the market's lane); `first` is its first half second."""

    first: int
    cells: int
    cents: int


@dataclass(slots=True)
class Totals:
    """The totals of a stretch of time; they do not depend on the order in which buckets are added.

    `largest` has pairs (minus cents, event id), which sort by value and then by id. `prices` has
    the best series of each second. Groups and symbols beyond `MAX_SYMBOLS` are not listed, and of
    more than `MAX_SERIES` series the worst is dropped; the sums stay exact.
    """

    count: int = 0
    cents: int = 0
    cells: int = 0
    complete: int = 0
    latest_ms: int = 0
    prices: dict[Series, Span] = field(default_factory=dict)
    largest: list[tuple[int, str]] = field(default_factory=list)
    groups: dict[str, GroupTotal] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)

    def add(self, bucket: Bucket) -> None:
        """Add the bucket of a second."""
        self.count += bucket.count
        self.cents += bucket.cents
        self.complete += bucket.complete
        self.cells += len(bucket.cells)
        for (group, symbol, part), cents in bucket.cells.items():
            self._add_group(group, GroupTotal(2 * bucket.second + part, 1, cents))
            if len(self.symbols) < MAX_SYMBOLS:
                self.symbols.add(symbol)
        self.latest_ms = max(self.latest_ms, bucket.latest_ms)
        if bucket.first is not None and bucket.last is not None:
            self._add_prices(bucket.first[0], Span(bucket.first, bucket.last, bucket.cents))
        if bucket.top is not None:
            self._add_large(bucket.top)

    def merge(self, other: "Totals") -> None:
        """Add other totals, of other seconds."""
        self.count += other.count
        self.cents += other.cents
        self.cells += other.cells
        self.complete += other.complete
        for group, total in other.groups.items():
            self._add_group(group, total)
        self.symbols |= other.symbols
        self.latest_ms = max(self.latest_ms, other.latest_ms)
        for series, span in other.prices.items():
            self._add_prices(series, span)
        for large in other.largest:
            self._add_large(large)

    def copy(self) -> "Totals":
        """Return an independent copy."""
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

    def _add_prices(self, series: Series, span: Span) -> None:
        held = self.prices.get(series)
        self.prices[series] = span if held is None else held.join(span)
        if len(self.prices) > MAX_SERIES:
            del self.prices[max(self.prices)]

    def _add_large(self, item: tuple[int, str]) -> None:
        largest = self.largest
        if len(largest) < LARGEST_KEPT:
            largest.append(item)
            largest.sort()
        elif item < largest[-1]:
            largest[-1] = item
            largest.sort()
