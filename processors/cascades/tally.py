"""Totals of a set of liquidations, in constant space."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from processors.cascades.entry import Entry

LARGEST_KEPT = 5

PricePoint = tuple[int, str, Decimal]
"""Event time, event id and price of a liquidation; earliest and latest give first and last."""


@dataclass(slots=True)
class Tally:
    """Count, dollars, venues, symbols, ends and largest of the liquidations added so far.

    `largest` holds (minus micro-dollars, event id), so that it sorts by value and then by id.
    The result does not depend on the order in which liquidations were added.
    """

    count: int = 0
    micro_usd: int = 0
    first: PricePoint | None = None
    last: PricePoint | None = None
    largest: list[tuple[int, str]] = field(default_factory=list)
    exchanges: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        """Count one more."""
        self.count += entry.events
        self.micro_usd += entry.micro_usd
        self.exchanges.add(entry.exchange)
        self.symbols.add(entry.symbol)
        self._add_point((entry.timestamp_ms, entry.event_id, entry.price))
        self._add_large((-entry.micro_usd, entry.event_id))

    def merge(self, other: "Tally") -> None:
        """Count everything that another tally holds."""
        self.count += other.count
        self.micro_usd += other.micro_usd
        self.exchanges |= other.exchanges
        self.symbols |= other.symbols
        for point in (other.first, other.last):
            if point is not None:
                self._add_point(point)
        for item in other.largest:
            self._add_large(item)

    def _add_point(self, point: PricePoint) -> None:
        if self.first is None or point < self.first:
            self.first = point
        if self.last is None or point > self.last:
            self.last = point

    def _add_large(self, item: tuple[int, str]) -> None:
        largest = self.largest
        if len(largest) < LARGEST_KEPT:
            largest.append(item)
            largest.sort()
        elif item < largest[-1]:
            largest[-1] = item
            largest.sort()


def tally_of(entries: Iterable[Entry]) -> Tally:
    """The totals of some entries."""
    tally = Tally()
    for entry in entries:
        tally.add(entry)
    return tally
