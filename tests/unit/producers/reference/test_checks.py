"""Which listings of contracts are believed, and which of their contracts are news."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from liq.producers.reference.checks import check_listing, versions
from liq.producers.reference.known import topic_key
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind

NOW_MS: Final = 1_795_900_000_000


def contract(symbol: str, size: str = "0.1", valid_from_ms: int | None = None) -> Instrument:
    return Instrument(
        exchange="okx",
        native_symbol=symbol,
        base=symbol.partition("-")[0],
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        contract_size=Decimal(size),
        as_of="2026-11-29",
        valid_from_ms=valid_from_ms,
    )


def family_of(symbol: str) -> str:
    return symbol.rpartition("-")[0]


def by_symbol(*contracts: Instrument) -> dict[str, Instrument]:
    return {one.native_symbol: one for one in contracts}


A, B, C, D = (contract(f"{name}-USDT-SWAP") for name in "ABCD")


def test_a_listing_that_says_nothing_new_is_believed() -> None:
    listing = check_listing([A, B], by_symbol(A, B), family_of)
    assert (listing.contracts, listing.complaint) == ((A, B), "")


def test_an_empty_listing_is_refused() -> None:
    listing = check_listing([], by_symbol(A), family_of)
    assert listing.contracts == ()
    assert "no contract" in listing.problem


def test_a_listing_that_lost_half_of_what_was_known_is_refused() -> None:
    known = by_symbol(A, B, C, D)
    assert check_listing([A, B], known, family_of).problem == ""
    truncated = check_listing([A], known, family_of)
    assert truncated.contracts == ()
    assert "1 of 4" in truncated.problem


def test_dates_that_went_by_are_not_missed() -> None:
    dated = [contract(f"A-USDT-26{month:02}25") for month in range(1, 10)]
    assert check_listing([A], by_symbol(A, *dated), family_of).problem == ""


@pytest.mark.parametrize("size", ["0", "-1", "1e30", "1e-13", "1.01", "0.0099"])
def test_an_absurd_size_is_refused_and_its_neighbours_are_not(size: str) -> None:
    listing = check_listing(
        [replace(A, contract_size=Decimal(size)), B], by_symbol(A, B), family_of
    )
    assert listing.contracts == (B,)
    assert listing.problem == ""
    assert "A-USDT-SWAP" in listing.complaint


@pytest.mark.parametrize("size", ["1.0", "0.01", "0.5"])
def test_a_change_of_up_to_tenfold_is_believed(size: str) -> None:
    changed = replace(A, contract_size=Decimal(size))
    assert check_listing([changed], by_symbol(A), family_of).contracts == (changed,)


def test_a_listing_whose_unit_changed_is_refused_as_a_whole() -> None:
    listed = [replace(one, contract_size=one.contract_size * 1000) for one in (A, B, C)]
    listing = check_listing([*listed, D], by_symbol(A, B, C, D), family_of)
    assert listing.contracts == ()
    assert "most sizes" in listing.problem


@pytest.mark.parametrize("symbol", ["X" * 129, "A\n-USDT-SWAP", "A\u202e-USDT-SWAP"])
def test_a_symbol_that_no_topic_should_hold_is_refused(symbol: str) -> None:
    listing = check_listing([contract(symbol), A], {}, family_of)
    assert listing.contracts == (A,)
    assert symbol not in listing.complaint


def test_many_refusals_make_a_short_sentence() -> None:
    bad = [contract(f"{number}-USDT-SWAP", "0") for number in range(50)]
    good = [contract(f"G{number}-USDT-SWAP") for number in range(60)]
    assert len(check_listing([*bad, *good], {}, family_of).complaint) < 500


def test_only_what_changed_is_news_and_holds_from_now_on() -> None:
    old = contract("B-USDT-SWAP", "0.1", valid_from_ms=5)
    changed = contract("B-USDT-SWAP", "0.2")
    every, new = versions([A, changed, C], by_symbol(A, old), NOW_MS)
    assert new == [replace(changed, valid_from_ms=NOW_MS), C]
    assert every == [A, *new]
    again, none = versions([old], by_symbol(old), NOW_MS)
    assert (again, none) == ([old], [])


def test_every_version_has_a_key_of_its_own_and_the_first_keeps_the_old_one() -> None:
    assert topic_key(A) == b"okx:A-USDT-SWAP"
    assert topic_key(replace(A, valid_from_ms=7)) == b"okx:A-USDT-SWAP@7"
