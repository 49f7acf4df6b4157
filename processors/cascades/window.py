"""The trailing window of one side of one asset, with running sums."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Hashable
from operator import attrgetter
from typing import TypeVar

from processors.cascades.entry import Entry

# To see how bunched the dollars are in time, the window is also summed in slices.
SLICES_PER_WINDOW = 60
SLICES_PER_BURST = 10
# Bybit pushes twice a second; what a venue says of a symbol in that time counts as one sign.
CELL_MS = 500
MAX_ENTRIES = 1_024

Key = TypeVar("Key", bound=Hashable)
_entry_time = attrgetter("timestamp_ms")


class TrailingWindow:
    """The liquidations of the last `width_ms`, counted back from the newest event time seen.

    The window is open at its old end: of two events exactly `width_ms` apart the older is out.
    Entries are kept in order of event time, each with the running total up to it, so that the
    dollars of any stretch of time are a difference of two totals. The work for an event does not
    grow with the window, except that an event out of order corrects the totals after it.

    With `MAX_ENTRIES` in the window, a further event is folded into its predecessor: count and
    dollars stay exact, and it leaves the window together with the predecessor.

    `venue_cells` counts, per venue, the distinct (symbol, half second) pairs in the window.
    """

    __slots__ = (
        "_cells",
        "_slice_ms",
        "_slices",
        "_totals",
        "count",
        "entries",
        "newest_ms",
        "venue_cells",
        "width_ms",
    )

    def __init__(self, width_ms: int) -> None:
        """Start empty."""
        self.width_ms = width_ms
        self.newest_ms = 0
        self.entries: list[Entry] = []
        self.count = 0
        self.venue_cells: Counter[str] = Counter()
        self._totals: list[int] = []
        self._cells: Counter[tuple[str, str, int]] = Counter()
        self._slices: Counter[int] = Counter()
        self._slice_ms = max(1, width_ms // SLICES_PER_WINDOW)

    @property
    def micro_usd(self) -> int:
        """Millionths of a dollar in the window."""
        if not self.entries:
            return 0
        return self._totals[-1] - self._totals[0] + self.entries[0].micro_usd

    def add(self, entry: Entry) -> bool:
        """Take a liquidation in; false when it is older than the window."""
        if entry.timestamp_ms > self.newest_ms:
            self.newest_ms = entry.timestamp_ms
            self.discard_until(self.newest_ms - self.width_ms)
        elif entry.timestamp_ms <= self.newest_ms - self.width_ms:
            return False
        self.count += entry.events
        index = bisect_left(self.entries, entry)
        if len(self.entries) < MAX_ENTRIES:
            self._insert(index, entry)
        else:
            self._fold(max(0, index - 1), entry)
        return True

    def discard_until(self, time_ms: int) -> None:
        """Forget what happened at or before a time."""
        gone = self._index_after(time_ms)
        for entry in self.entries[:gone]:
            self.count -= entry.events
            _decrease(self._slices, entry.timestamp_ms // self._slice_ms, entry.micro_usd)
            cell = _cell(entry)
            _decrease(self._cells, cell, 1)
            if cell not in self._cells:
                _decrease(self.venue_cells, entry.exchange, 1)
        del self.entries[:gone]
        del self._totals[:gone]

    def micro_usd_between(self, after_ms: int, until_ms: int) -> int:
        """Millionths of a dollar later than `after_ms` and not later than `until_ms`."""
        low, high = self._index_after(after_ms), self._index_after(until_ms)
        if low >= high:
            return 0
        return self._totals[high - 1] - self._totals[low] + self.entries[low].micro_usd

    def busiest_burst_micro_usd(self) -> int:
        """The most (in millionths of a dollar) in any `SLICES_PER_BURST` slices in a row."""
        busiest = running = 0
        burst: deque[tuple[int, int]] = deque()
        for number, value in sorted(self._slices.items()):
            running += value
            burst.append((number, value))
            while burst[0][0] <= number - SLICES_PER_BURST:
                running -= burst.popleft()[1]
            busiest = max(busiest, running)
        return busiest

    def _insert(self, index: int, entry: Entry) -> None:
        before = self._totals[index - 1] if index else self._total_before_first()
        self.entries.insert(index, entry)
        self._totals.insert(index, before)
        self._raise_totals(index, entry.micro_usd)
        self._slices[entry.timestamp_ms // self._slice_ms] += entry.micro_usd
        cell = _cell(entry)
        if cell not in self._cells:
            self.venue_cells[entry.exchange] += 1
        self._cells[cell] += 1

    def _fold(self, index: int, entry: Entry) -> None:
        host = self.entries[index]
        self.entries[index] = host._replace(
            micro_usd=host.micro_usd + entry.micro_usd, events=host.events + entry.events
        )
        self._raise_totals(index, entry.micro_usd)
        self._slices[host.timestamp_ms // self._slice_ms] += entry.micro_usd

    def _total_before_first(self) -> int:
        return self._totals[0] - self.entries[0].micro_usd if self.entries else 0

    def _raise_totals(self, index: int, micro_usd: int) -> None:
        for later in range(index, len(self._totals)):
            self._totals[later] += micro_usd

    def _index_after(self, time_ms: int) -> int:
        return bisect_left(self.entries, time_ms + 1, key=_entry_time)


def _cell(entry: Entry) -> tuple[str, str, int]:
    return entry.exchange, entry.symbol, entry.timestamp_ms // CELL_MS


def _decrease(counter: Counter[Key], key: Key, amount: int) -> None:
    counter[key] -= amount
    if not counter[key]:
        del counter[key]
