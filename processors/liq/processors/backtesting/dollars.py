"""Dollars liquidated in any time range, for a side of an asset or of the market."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from liq.processors.cascades.observation import Observation
from liq.schemas.vocabulary import Side

#: The name of all assets together, as in the records of the market.
MARKET: Final = ""
_Lane = tuple[str, Side]


class Amount(NamedTuple):
    """The cents that were liquidated at one time (UTC, ms)."""

    base: str
    side: Side
    at_ms: int
    cents: int


class Dollars:
    """Sums of amounts over any time range; an amount takes about 50 bytes."""

    def __init__(self, amounts: Iterable[Amount] = ()) -> None:
        """Add the amounts, in any order."""
        self._times: dict[_Lane, array[int]] = {}
        self._cents: dict[_Lane, array[int]] = {}
        self._sums: dict[_Lane, array[int]] = {}
        for amount in amounts:
            self.add(amount)

    def add(self, amount: Amount) -> None:
        """Add an amount."""
        for base in (amount.base, MARKET):
            lane = base, amount.side
            times = self._times.get(lane)
            if times is None:
                times = self._times[lane] = array("q")
                self._cents[lane] = array("q")
            times.append(amount.at_ms)
            self._cents[lane].append(amount.cents)
        self._sums.clear()

    @property
    def lanes(self) -> tuple[_Lane, ...]:
        """The assets and sides with amounts, without the sides of the market."""
        return tuple(lane for lane in self._times if lane[0] != MARKET)

    def cents(self, base: str, side: Side, *, after_ms: int, until_ms: int) -> int:
        """Return the cents after `after_ms` and up to `until_ms`, which is included."""
        sums = self._sums_of((base, side))
        times = self._times.get((base, side), ())
        return sums[bisect_right(times, until_ms)] - sums[bisect_right(times, after_ms)]

    def total_cents(self) -> int:
        """Return the cents of all assets and sides."""
        return sum(self._sums_of((MARKET, side))[-1] for side in Side)

    def _sums_of(self, lane: _Lane) -> "array[int]":
        """Return the running sums of a lane; sort its amounts by time first if needed."""
        known = self._sums.get(lane)
        if known is not None:
            return known
        times, cents = self._times.get(lane, array("q")), self._cents.get(lane, array("q"))
        if any(later < earlier for earlier, later in pairwise(times)):
            order = sorted(range(len(times)), key=times.__getitem__)
            times = self._times[lane] = array("q", (times[place] for place in order))
            cents = self._cents[lane] = array("q", (cents[place] for place in order))
        sums = self._sums[lane] = array("q", accumulate(cents, initial=0))
        return sums


def published_amounts(observations: Iterable[Observation]) -> Iterator[Amount]:
    """Yield the published amounts with the venues' times; an event id counts once."""
    seen: set[str] = set()
    for event in observations:
        if event.event_id not in seen:
            seen.add(event.event_id)
            yield Amount(event.base, event.side, event.timestamp_ms, event.cents)
