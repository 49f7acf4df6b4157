"""Versions of contracts, families of dated ones, and entries that wait for a contract."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import orjson
import pytest

from liq.processors.normalizers import (
    FrameMetadata,
    InstrumentBook,
    NormalizerConfig,
    load_snapshot,
    normalize,
)
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.registry import VENUES
from liq.schemas.records import Instrument, Liquidation, Rejected
from liq.schemas.vocabulary import Arrival, ContractKind, RejectReason

CONFIG: Final = NormalizerConfig(
    institutional_threshold_usd=Decimal(100_000), btc_price_level_step_usd=Decimal(100)
)
MAY_2022_MS: Final = 1_652_000_000_000
NOW_MS: Final = 1_795_900_000_000


def okx(symbol: str, size: str = "0.1", **changes: Any) -> Instrument:
    base, quote, *_ = symbol.split("-")
    values = {
        "base": base,
        "quote": quote,
        "settle": quote,
        "contract": ContractKind.LINEAR,
        "as_of": "2026-10-01",
        **changes,
    }
    return Instrument(exchange="okx", native_symbol=symbol, contract_size=Decimal(size), **values)


def okx_frame(*symbols: str, price: str = "100", time_ms: int = MAY_2022_MS) -> bytes:
    detail = {"side": "sell", "posSide": "long", "bkPx": price, "sz": "3", "ts": str(time_ms)}
    rows = [{"instId": name, "instType": "SWAP", "details": [detail]} for name in symbols]
    return orjson.dumps({"arg": {"channel": "liquidation-orders"}, "data": rows})


def read(
    frame: bytes,
    book: InstrumentBook,
    at_ms: int = NOW_MS,
    waiting: dict[str, None] | None = None,
    waited_for: frozenset[str] | None = None,
) -> list[Liquidation | Rejected]:
    metadata = FrameMetadata("okx", "public", at_ms, waited_for=waited_for)
    return normalize(frame, metadata, book, CONFIG, waiting)


def event(frame: bytes, book: InstrumentBook, at_ms: int = NOW_MS) -> Liquidation:
    [found] = read(frame, book, at_ms)
    assert isinstance(found, Liquidation), found
    return found


@pytest.mark.parametrize(
    ("at_ms", "quantity", "version"),
    [
        (MAY_2022_MS, "0.3", "2022-05-31"),
        (NOW_MS, "0.03", "2026-03-31 from 1672531200000"),
    ],
)
def test_the_shipped_zcash_swap_is_worth_what_it_was_at_the_time(
    at_ms: int, quantity: str, version: str
) -> None:
    # By the entry's own time: an archive may be read years later.
    frame = okx_frame("ZEC-USDT-SWAP", time_ms=at_ms)
    found = event(frame, load_snapshot(), NOW_MS)
    assert (found.quantity, found.contract_version) == (Decimal(quantity), version)


def test_a_version_holds_from_its_time_and_the_first_one_before_it_too() -> None:
    book = InstrumentBook(
        [
            okx("A-USDT-SWAP", "1", valid_from_ms=NOW_MS),
            okx("A-USDT-SWAP", "10", valid_from_ms=MAY_2022_MS + 1),
        ]
    )
    first, last, new = (
        event(okx_frame("A-USDT-SWAP", time_ms=time_ms), book)
        for time_ms in (MAY_2022_MS, NOW_MS - 1, NOW_MS)
    )
    assert (first.quantity, last.quantity, new.quantity) == (30, 30, 3)
    assert last.contract_version == f"2026-10-01 from {MAY_2022_MS + 1}"
    assert len(book) == 1
    assert book.updated(book.all()).all() == book.all()


def test_a_contract_that_needs_no_metadata_names_no_version() -> None:
    order = {"s": "BTCUSDT", "S": "SELL", "p": "1", "ap": "2", "z": "3", "T": NOW_MS}
    frame = orjson.dumps({"e": "forceOrder", "o": order})
    [found] = normalize(frame, FrameMetadata("binance", "usdm", NOW_MS), InstrumentBook(), CONFIG)
    assert isinstance(found, Liquidation)
    assert (found.contract_version, found.arrival) == (None, Arrival.LIVE)


@pytest.mark.parametrize(
    ("exchange", "symbol", "family"),
    [
        ("binance", "BTCUSD_PERP", "BTCUSD"),
        ("binance", "BTCUSD_261225", "BTCUSD"),
        ("okx", "BTC-USDT-SWAP", "BTC-USDT"),
        ("okx", "BTC-USDT-261225", "BTC-USDT"),
        ("okx", "BTC-USD_UM_XPERP-310404", "BTC-USD_UM_XPERP"),
        ("okx", "plain", "plain"),
        ("htx", "BTC200925", "BTC-USD"),
        ("htx", "BTC-USD", "BTC-USD"),
        ("htx", "BTC-USDT-210625", "BTC-USDT"),
        ("htx", "1INCH200925", "1INCH-USD"),
        ("bitmex", "XBTZ26", "XBTUSD"),
        ("bitmex", "XBTUSD", "XBTUSD"),
        ("bitmex", "ETHUSDTZ26", "ETHUSDT"),
        ("bitmex", "ETHUSDM25", "ETHUSD"),
        ("gate", "BTC_USDT", "BTC_USDT"),
        ("lighter", "1", "1"),
    ],
)
def test_the_family_of_a_symbol(exchange: str, symbol: str, family: str) -> None:
    declared = VENUES[exchange].contracts
    assert declared is not None
    assert declared.family_of(symbol) == family


@pytest.mark.parametrize(
    ("exchange", "symbol", "size", "version"),
    [
        ("binance", "BTCUSD_261225", "100", "family BTCUSD_200925 2025-06-30"),
        ("binance", "ETHUSD_270326", "10", None),
        ("okx", "BTC-USDT-261225", "0.01", None),
        ("okx", "ETH-USD-261225", "10", None),
        ("htx", "BTC200925", "100", None),
        ("htx", "ETH261225", "10", None),
        ("bitmex", "XBTZ26", "1", None),
    ],
)
def test_an_unknown_dated_contract_has_the_size_of_its_family(
    exchange: str, symbol: str, size: str, version: str | None
) -> None:
    declared = VENUES[exchange].contracts
    assert declared is not None
    book = load_snapshot()
    assert book.get(exchange, symbol) is None
    market = book.market(exchange, symbol, NOW_MS, declared.family_of)
    assert (market.contract_size, market.native_symbol) == (Decimal(size), symbol)
    assert market.version is not None
    assert market.version.startswith("family ")
    assert version in {None, market.version}


def test_a_family_that_disagrees_and_a_contract_without_relatives_stay_unknown() -> None:
    family_of = VENUES["okx"].contracts.family_of  # type: ignore[union-attr]
    book = InstrumentBook([okx("A-USDT-SWAP", "1"), okx("A-USDT-261225", "2"), okx("B-USDT-SWAP")])
    for symbol in ("A-USDT-270101", "C-USDT-270101", "B-USDT_UM_XPERP-310404"):
        with pytest.raises(EntryError) as caught:
            book.market("okx", symbol, NOW_MS, family_of)
        assert caught.value.reason is RejectReason.UNKNOWN_INSTRUMENT
    assert book.market("okx", "B-USDT-270101", NOW_MS, family_of).base == "B"


def test_entries_of_unknown_contracts_wait_and_the_others_do_not() -> None:
    book = InstrumentBook([okx("A-USDT-SWAP")])
    frame = okx_frame("NEW-USDT-SWAP", "A-USDT-SWAP", "NEW-USDT-SWAP", "TOO-USDT-SWAP")
    waiting: dict[str, None] = {}
    [known] = read(frame, book, waiting=waiting)
    assert isinstance(known, Liquidation)
    assert list(waiting) == ["NEW-USDT-SWAP", "TOO-USDT-SWAP"]
    assert [type(each) for each in read(frame, book)] == [Rejected, Liquidation, Rejected, Rejected]


def test_a_retried_frame_gives_what_it_waited_for_under_the_ids_of_a_first_reading() -> None:
    listed = InstrumentBook([okx("A-USDT-SWAP"), okx("NEW-USDT-SWAP"), okx("TOO-USDT-SWAP")])
    frame = okx_frame("NEW-USDT-SWAP", "A-USDT-SWAP", "NEW-USDT-SWAP", "TOO-USDT-SWAP")
    at_once = [each for each in read(frame, listed) if isinstance(each, Liquidation)]
    retried = read(frame, listed, waited_for=frozenset({"NEW-USDT-SWAP", "TOO-USDT-SWAP"}))
    expected = [
        replace(each, arrival=Arrival.RETRIED)
        for each in at_once
        if each.native_symbol != "A-USDT-SWAP"
    ]
    assert retried == expected
    assert len({each.event_id for each in at_once}) == 4


def test_of_a_retried_frame_nothing_is_rejected_twice_and_nothing_is_lost() -> None:
    """The bad price of a contract that waited is seen first when the contract is known."""
    book = InstrumentBook([okx("A-USDT-SWAP"), okx("NEW-USDT-SWAP")])
    frame = okx_frame("NEW-USDT-SWAP", "A-USDT-SWAP", "GONE-USDT-SWAP", price="none")
    waited_for = frozenset({"NEW-USDT-SWAP", "GONE-USDT-SWAP"})
    found = read(frame, book, waited_for=waited_for)
    assert [each.reason for each in found if isinstance(each, Rejected)] == [
        RejectReason.INVALID_NUMBER,
        RejectReason.UNKNOWN_INSTRUMENT,
    ]
    assert len(found) == 2
    [whole] = read(b"{", book, waited_for=waited_for)
    assert isinstance(whole, Rejected)


def test_a_frame_of_one_order_waits_too() -> None:
    order = {"s": "NEWUSD_PERP", "S": "SELL", "p": "1", "ap": "2", "z": "3", "T": NOW_MS}
    frame = orjson.dumps({"e": "forceOrder", "o": order})
    metadata = FrameMetadata("binance", "coinm", NOW_MS)
    waiting: dict[str, None] = {}
    assert normalize(frame, metadata, InstrumentBook(), CONFIG, waiting) == []
    assert list(waiting) == ["NEWUSD_PERP"]


@pytest.mark.parametrize(
    ("received_at_ms", "contract", "value"),
    [(1_617_648_075_000, "quanto", "3.41750276"), (NOW_MS, "linear", "0.0005803")],
)
def test_altcoins_of_bitmex_paid_bitcoin_in_2021(
    received_at_ms: int, contract: str, value: str
) -> None:
    """A trade of 2021-04-05: one contract at 0.05803 was worth about 3.4175 dollars."""
    order = {"orderID": "a", "symbol": "DOGEUSDT", "side": "Sell", "price": 0.05803, "leavesQty": 1}
    frame = orjson.dumps({"table": "liquidation", "action": "insert", "data": [order]})
    metadata = FrameMetadata("bitmex", "liquidation", received_at_ms, rates="BTC=58892@1000")
    [found] = normalize(frame, metadata, load_snapshot(), CONFIG)
    assert isinstance(found, Liquidation)
    assert found.contract == contract
    assert round(found.value_usd, 8) == round(Decimal(value), 8)
