"""Plausibility checks of a listing of contracts, as pure functions.

A listing that is empty, or lacks half of the known families, is refused as a whole. A contract with
an absurd size is refused alone. Refused contracts keep their known metadata.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from liq.schemas.records import Instrument
from liq.schemas.symbols import is_visible

# A listing must have this share of the families known before.
LEAST_SHARE: Final = 0.5
# The least size has the 12 decimal places of stored amounts; the largest known size is 10^10.
LEAST_SIZE: Final = Decimal("1e-12")
LARGEST_SIZE: Final = Decimal("1e12")
MAX_CHANGE: Final = Decimal(10)
REFUSALS_SHOWN: Final = 5

Known = Mapping[str, Instrument]


@dataclass(frozen=True, slots=True)
class Listing:
    """A checked listing: the accepted contracts, and the reasons for refused ones.

    `problem` is the reason why the whole listing is refused, or empty. `is_cut_off` is set if the
    listing has too few of the contracts known before.
    """

    contracts: tuple[Instrument, ...] = ()
    refusals: tuple[str, ...] = ()
    problem: str = ""
    is_cut_off: bool = False

    @property
    def complaint(self) -> str:
        """The reasons of all refusals, in sentences; empty without refusals."""
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

    `listed_before` has the symbols of the latest accepted listing, whose families must recur. If it
    is None, the families of all known contracts must recur; if it is empty, the check is off.
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
    """Return all contracts with the start of their validity, and the new versions among them.

    A contract with changed facts is a new version from now on. A contract that was not known is a
    first version, which is also valid for earlier times.
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
    """Return the reason why a contract is refused; empty if it is accepted."""
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
