"""Whether to believe a listing of contracts, as pure functions.

A listing that is empty, or has lost half of what was known, is refused as a whole; a contract of
an absurd size is refused alone. What is refused stays as it was.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from liq.schemas.records import Instrument
from liq.schemas.symbols import is_visible

# Of the families known before, a listing must have this share.
LEAST_SHARE: Final = 0.5
# The least size has the 12 decimal places that are stored; the largest known is 10^10.
LEAST_SIZE: Final = Decimal("1e-12")
LARGEST_SIZE: Final = Decimal("1e12")
MAX_CHANGE: Final = Decimal(10)
REFUSALS_SHOWN: Final = 5

Known = Mapping[str, Instrument]


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing after the check: the contracts that are believed, and why others are not.

    `problem` says why nothing of it is believed; it is empty otherwise. `is_cut_off` says that too
    few of the contracts known before are in it.
    """

    contracts: tuple[Instrument, ...] = ()
    refusals: tuple[str, ...] = ()
    problem: str = ""
    is_cut_off: bool = False

    @property
    def complaint(self) -> str:
        """Everything that is not believed, in a sentence or a few; empty if all is."""
        if self.problem:
            return self.problem
        shown = "; ".join(self.refusals[:REFUSALS_SHOWN])
        more = len(self.refusals) - REFUSALS_SHOWN
        return f"{shown}; and {more} more" if more > 0 else shown


def check_listing(
    listed: Iterable[Instrument],
    expected: Known,
    family_of: Callable[[str], str],
    listed_before: Collection[str] | None = None,
) -> Listing:
    """Check a listing against the newest known contracts that belong in it, by symbol.

    `listed_before` are the symbols of the latest believed listing. Without one, a listing must have
    its share of all contracts that were ever known; with an empty one, of none.
    """
    by_symbol = {one.native_symbol: one for one in listed}
    if not by_symbol:
        return Listing(problem="the listing has no contract")
    families = {
        family_of(symbol) for symbol in (expected if listed_before is None else listed_before)
    }
    found = families & {family_of(symbol) for symbol in by_symbol}
    if len(found) < LEAST_SHARE * len(families):
        return Listing(
            problem=f"the listing has {len(found)} of {len(families)} kinds of contracts that were "
            "known: it is cut off, or the venue has changed its form",
            is_cut_off=True,
        )
    contracts, refusals = [], []
    for symbol, one in by_symbol.items():
        refusal = _refusal(one, expected.get(symbol))
        if refusal:
            refusals.append(refusal)
        else:
            contracts.append(one)
    if len(refusals) > len(contracts):
        complaint = Listing(refusals=tuple(refusals)).complaint
        return Listing(problem=f"most sizes of the listing are absurd: {complaint}")
    return Listing(tuple(contracts), tuple(refusals))


def versions(
    contracts: Collection[Instrument], known: Known, now_ms: int
) -> tuple[list[Instrument], list[Instrument]]:
    """Return all contracts as the versions that they are, and those that are new among them.

    A contract that says something new is a version from now on; one that was never known is the
    first version, which serves earlier times too.
    """
    every, new = [], []
    for one in contracts:
        before = known.get(one.native_symbol)
        if before is None:
            new.append(one)
            every.append(one)
        elif _facts(before) == _facts(one):
            every.append(replace(one, valid_from_ms=before.valid_from_ms))
        else:
            version = replace(one, valid_from_ms=max(now_ms, (before.valid_from_ms or 0) + 1))
            new.append(version)
            every.append(version)
    return every, new


def _refusal(one: Instrument, before: Instrument | None) -> str:
    """Why a contract is not believed; empty if it is."""
    symbol, size = one.native_symbol, one.contract_size
    for name in (symbol, one.base, one.quote, one.settle):
        if not is_visible(name):
            return f"a name of {len(name)} characters is not believed: {name[:20]!r}"
    if not LEAST_SIZE <= size <= LARGEST_SIZE:
        return f"{symbol} has the size {size:.6g}, outside of what is believed"
    if before is None or before.contract is not one.contract:
        return ""
    old = before.contract_size
    if size > old * MAX_CHANGE or size * MAX_CHANGE < old:
        return f"{symbol} changed from {old:.6g} to {size:.6g}, more than tenfold"
    return ""


def _facts(one: Instrument) -> tuple[object, ...]:
    return one.base, one.quote, one.settle, one.contract, one.contract_size
