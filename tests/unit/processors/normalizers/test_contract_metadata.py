"""What the venues' contract lists are made into; the shapes are those of ccxt 4.5 and BitMEX."""

import subprocess
import sys
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from liq.cli.contract_lists import listed_exchanges
from liq.processors.normalizers import load_snapshot
from liq.processors.normalizers.instruments import (
    SNAPSHOT_ENDING,
    InstrumentBook,
    parse_instruments,
    snapshot_text,
)
from liq.processors.normalizers.metadata import from_bitmex, from_ccxt
from liq.processors.normalizers.registry import VENUES
from liq.schemas.codec import DecodeError, encode
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind
from tests.support.paths import DOCS

AS_OF = "2026-10-01"
VENUES_PAGE: Final = DOCS / "venues.md"

# By market capitalization, without stablecoins and LEO, which has no perpetual: the first fourteen
# by CoinMarketCap's ranks of 2026-09-11, the rest by its hundred-coin index of 2025-01-31.
# fmt: off
LARGEST_ASSETS: Final = frozenset({
    "BTC", "ETH", "BNB", "XRP", "SOL", "TRX", "HYPE", "ZEC", "DOGE", "XMR",
    "LINK", "ADA", "XLM", "BCH", "SUI", "AVAX", "LTC", "HBAR", "TON", "SHIB",
})
# fmt: on
# Not listed by the venue as far as public lists tell, or listed without a public value at hand.
# Frames of these contracts wait in the rejected topic for `liq instruments refresh`.
WITHOUT_PUBLIC_VALUE: Final = {
    "binance": {"HBAR", "HYPE", "SHIB", "TON", "XMR", "ZEC"},
    "bitmex": {"HBAR", "HYPE", "SUI", "TON", "XLM", "XMR", "ZEC"},
    "gate": {"HYPE", "SUI", "TON"},
    "htx": {"HYPE", "SUI", "TON"},
    "lighter": {"XMR"},
    "okx": {"XMR"},
}


def market(**changes: Any) -> dict[str, Any]:
    return {
        "id": "BTC_USDT",
        "symbol": "BTC/USDT:USDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "type": "swap",
        "spot": False,
        "swap": True,
        "future": False,
        "option": False,
        "contract": True,
        "linear": True,
        "inverse": False,
        "contractSize": 0.0001,
        "active": True,
        "info": {},
        **changes,
    }


COIN_MARGINED = {"quote": "USD", "settle": "BTC", "linear": False, "inverse": True}


def only(exchange: str, **changes: Any) -> Instrument:
    [instrument] = from_ccxt(exchange, [market(**changes)], AS_OF)
    return instrument


def test_a_linear_swap_has_units_of_the_base() -> None:
    assert only("gate") == Instrument(
        exchange="gate",
        native_symbol="BTC_USDT",
        base="BTC",
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        contract_size=Decimal("0.0001"),
        as_of=AS_OF,
    )


def test_an_inverse_future_has_dollars() -> None:
    found = only(
        "binance", id="BTCUSD_200925", contractSize=100.0, swap=False, future=True, **COIN_MARGINED
    )
    assert (found.contract, found.contract_size) == (ContractKind.INVERSE, 100)
    assert found.settle == "BTC"


def test_a_size_in_exponent_form_is_exact() -> None:
    assert only("gate", contractSize=1e-06).contract_size == Decimal("0.000001")


def test_okx_multiplies_the_contract_value() -> None:
    found = only(
        "okx", id="BTC-USDT-SWAP", contractSize=0.01, info={"ctVal": "0.01", "ctMult": "5"}
    )
    assert found.contract_size == Decimal("0.05")


def test_a_contract_settled_in_a_third_coin_is_quanto() -> None:
    assert only("okx", settle="ETH").contract is ContractKind.QUANTO


@pytest.mark.parametrize(
    "changes",
    [
        {"swap": False, "type": "spot", "contractSize": None},
        {"swap": False, "type": "option", "option": True},
        {"contractSize": None},
        {"contractSize": 0},
        {"contractSize": float("nan")},
        {"contractSize": True},
        {"linear": None, "inverse": None},
        {"base": None},
        {"id": ""},
    ],
)
def test_a_market_without_the_facts_is_left_out(changes: dict[str, Any]) -> None:
    assert from_ccxt("gate", [market(**changes)], AS_OF) == []


def bitmex(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "XBTUSD",
        "rootSymbol": "XBT",
        "quoteCurrency": "USD",
        "settlCurrency": "XBt",
        "multiplier": -100000000,
        "isQuanto": False,
        "isInverse": True,
        "underlyingToPositionMultiplier": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "contract", "size"),
    [
        ({}, ContractKind.INVERSE, "1"),
        (
            {
                "symbol": "XBTUSDT",
                "quoteCurrency": "USDT",
                "settlCurrency": "USDt",
                "multiplier": 1,
                "isInverse": False,
                "underlyingToPositionMultiplier": 1000000,
            },
            ContractKind.LINEAR,
            "0.000001",
        ),
        (
            {"symbol": "ETHUSD", "multiplier": 100, "isInverse": False, "isQuanto": True},
            ContractKind.QUANTO,
            "0.000001",
        ),
    ],
)
def test_bitmex_contracts(changes: dict[str, Any], contract: ContractKind, size: str) -> None:
    [found] = from_bitmex([bitmex(**changes)], AS_OF)
    assert (found.contract, found.contract_size) == (contract, Decimal(size))
    shipped = load_snapshot().get("bitmex", found.native_symbol)
    assert shipped is not None
    assert (shipped.contract, shipped.contract_size) == (contract, Decimal(size))


def test_a_bitmex_row_without_a_multiplier_is_left_out() -> None:
    index = bitmex(symbol=".BXBT", multiplier=None, isInverse=False)
    assert from_bitmex([index, bitmex(multiplier=None), bitmex(symbol=None)], AS_OF) == []


@pytest.mark.parametrize("exchange", listed_exchanges())
def test_the_shipped_contracts_of_a_venue_are_in_the_form_that_refresh_writes(
    exchange: str,
) -> None:
    shipped = files("liq.processors.normalizers.venues").joinpath(exchange + SNAPSHOT_ENDING)
    of_venue = [one for one in load_snapshot().all() if one.exchange == exchange]
    assert of_venue
    assert snapshot_text(InstrumentBook(of_venue)) == shipped.read_bytes()


@pytest.mark.parametrize("exchange", listed_exchanges())
def test_the_shipped_snapshot_covers_the_largest_assets(exchange: str) -> None:
    assert len(LARGEST_ASSETS) == 20
    book = load_snapshot()
    covered = {
        book.market(exchange, one.native_symbol).base
        for one in book.all()
        if one.exchange == exchange and one.contract is not ContractKind.QUANTO
    }
    assert covered & LARGEST_ASSETS == LARGEST_ASSETS - WITHOUT_PUBLIC_VALUE[exchange]


@pytest.mark.parametrize("exchange", listed_exchanges())
def test_a_venue_declares_the_source_of_every_shipped_value(exchange: str) -> None:
    declared = VENUES[exchange].contracts
    assert declared is not None
    dates = {one.as_of for one in load_snapshot().all() if one.exchange == exchange}
    assert set(declared.sources) == dates


def test_the_page_of_venues_names_the_source_of_every_shipped_value() -> None:
    page = VENUES_PAGE.read_text(encoding="utf-8")
    dated = {(one.exchange, one.as_of) for one in load_snapshot().all()}
    assert [pair for pair in sorted(dated) if f"| `{pair[0]}` | {pair[1]} |" not in page] == []


def test_instruments_are_read_from_an_array_or_from_lines() -> None:
    one, other = only("gate"), only("gate", id="ETH_USDT", base="ETH")
    book = InstrumentBook([one, other])
    assert parse_instruments(snapshot_text(book)) == [one, other]
    assert parse_instruments(encode(one) + b"\n\n" + encode(other)) == [one, other]
    assert parse_instruments(b"\n") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[{}", "not JSON"),
        (b'[{"exchange":"gate"}]', "entry 1: native_symbol: missing"),
        (b"5", "entry 1: expected an object"),
        (b"{}\n{", "entry 1: exchange: missing"),
    ],
)
def test_instruments_that_cannot_be_read_are_named(text: bytes, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        parse_instruments(text)


def liq_normalize(path: Path, data: bytes) -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-m", "liq.cli.main", "normalize", "--instruments", str(path))
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)


def test_normalize_uses_the_contracts_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "contracts.json"
    path.write_bytes(snapshot_text(InstrumentBook([only("gate", id="NEW_USDT", base="NEW")])))
    rows = [
        {"price": 2, "size": -30_000, "time_ms": 1_784_000_000_000, "contract": symbol}
        for symbol in ("NEW_USDT", "BTC_USDT")
    ]
    frame = {"channel": "futures.public_liquidates", "event": "update", "result": rows}
    line = {
        "exchange": "gate",
        "feed": "usdt",
        "received_at_ns": 1_784_000_000_500_000_000,
        "frame": orjson.dumps(frame).decode(),
    }
    outcome = liq_normalize(path, orjson.dumps(line))
    assert outcome.returncode == 0, outcome.stderr
    events = [orjson.loads(text) for text in outcome.stdout.splitlines()]
    assert [(event["base"], event["quantity"]) for event in events] == [
        ("NEW", "3.0000"),
        ("BTC", "3.0000"),
    ]


def test_normalize_refuses_a_file_without_contracts(tmp_path: Path) -> None:
    path = tmp_path / "contracts.json"
    for text in (None, b"{broken"):
        if text is not None:
            path.write_bytes(text)
        outcome = liq_normalize(path, b"")
        assert outcome.returncode == 78
        assert b"liq instruments refresh --snapshot" in b" ".join(outcome.stderr.split())


def test_a_refreshed_contract_replaces_the_shipped_one() -> None:
    before = load_snapshot()
    after = before.updated([only("gate", contractSize=0.001)])
    assert len(after) == len(before)
    known = after.get("gate", "BTC_USDT")
    assert known is not None
    assert known.contract_size == Decimal("0.001")
    assert after.newest_as_of == max(AS_OF, before.newest_as_of)
    assert InstrumentBook().newest_as_of == ""
