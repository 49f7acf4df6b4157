"""What the venues' contract lists are made into; in the shapes of their documentation."""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
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
from liq.processors.normalizers.metadata import (
    from_bitmex,
    from_coinm,
    from_gate,
    from_htx,
    from_lighter,
    from_okx,
)
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


def answer(exchange: str, **changes: Any) -> Any:
    """A venue's answer with one contract, in the form that its documentation shows."""
    row, around = ANSWERS[exchange]
    return around({**row, **changes})


ANSWERS: Final[dict[str, tuple[dict[str, Any], Callable[[Any], Any]]]] = {
    "okx": (
        {
            "instType": "SWAP",
            "instId": "BTC-USDT-SWAP",
            "uly": "BTC-USDT",
            "instFamily": "BTC-USDT",
            "settleCcy": "USDT",
            "ctVal": "0.01",
            "ctMult": "1",
            "ctValCcy": "BTC",
            "ctType": "linear",
            "state": "live",
        },
        lambda row: {"code": "0", "msg": "", "data": [row]},
    ),
    "gate": (
        {"name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001"},
        lambda row: [row],
    ),
    "htx": (
        {"symbol": "BTC", "contract_code": "BTC-USDT", "contract_size": 0.001},
        lambda row: {"status": "ok", "data": [row], "ts": 1},
    ),
    "binance": (
        {
            "symbol": "BTCUSD_PERP",
            "pair": "BTCUSD",
            "baseAsset": "BTC",
            "quoteAsset": "USD",
            "marginAsset": "BTC",
            "contractSize": 100,
        },
        lambda row: {"timezone": "UTC", "symbols": [row]},
    ),
    "lighter": (
        {"symbol": "ETH", "market_id": 0, "market_type": "perp", "status": "active"},
        lambda row: {"code": 200, "order_books": [row]},
    ),
}
PARSERS: Final[dict[str, Callable[[Any, str], list[Instrument]]]] = {
    "okx": from_okx,
    "gate": partial(from_gate, "USDT"),
    "htx": from_htx,
    "binance": from_coinm,
    "lighter": from_lighter,
    "bitmex": from_bitmex,
}


def parsed(exchange: str, **changes: Any) -> list[Instrument]:
    return PARSERS[exchange](answer(exchange, **changes), AS_OF)


def only(exchange: str, **changes: Any) -> Instrument:
    [instrument] = parsed(exchange, **changes)
    return instrument


@pytest.mark.parametrize("exchange", ANSWERS)
def test_a_listed_contract_says_what_the_shipped_one_says(exchange: str) -> None:
    found = only(exchange)
    shipped = load_snapshot().get(exchange, found.native_symbol)
    assert shipped is not None
    assert replace(shipped, as_of=AS_OF) == found


@pytest.mark.parametrize(
    ("exchange", "changes", "contract", "size"),
    [
        ("okx", {"ctMult": "5"}, ContractKind.LINEAR, "0.05"),
        ("okx", {"ctMult": ""}, ContractKind.LINEAR, "0.01"),
        (
            "okx",
            {
                "instId": "BTC-USD-261225",
                "uly": "BTC-USD",
                "settleCcy": "BTC",
                "ctType": "inverse",
                "ctVal": "100",
                "ctValCcy": "USD",
            },
            ContractKind.INVERSE,
            "100",
        ),
        ("okx", {"settleCcy": "ETH"}, ContractKind.QUANTO, "0.01"),
        ("gate", {"quanto_multiplier": "1e-06"}, ContractKind.LINEAR, "0.000001"),
        ("gate", {"name": "BTC_USD", "type": "inverse", "quanto_multiplier": "0"},
         ContractKind.INVERSE, "1"),
        ("htx", {"contract_code": "BTC-USD", "contract_size": 100}, ContractKind.INVERSE, "100"),
        ("htx", {"contract_code": "BTC261225", "contract_size": 100}, ContractKind.INVERSE, "100"),
        ("htx", {"contract_code": "BTC-USDT-261225"}, ContractKind.LINEAR, "0.001"),
        ("binance", {"symbol": "BTCUSD_261225"}, ContractKind.INVERSE, "100"),
    ],
)  # fmt: skip
def test_kinds_and_sizes(
    exchange: str, changes: dict[str, Any], contract: ContractKind, size: str
) -> None:
    found = only(exchange, **changes)
    assert (found.contract, found.contract_size) == (contract, Decimal(size))


@pytest.mark.parametrize("settle", ["USD", "USDC", "USDT", "USDG"])
def test_an_x_perp_is_linear_in_dollars_whatever_dollar_settles_it(settle: str) -> None:
    found = only(
        "okx", instId="BTC-USD_UM_XPERP-310404", uly="BTC-USD", settleCcy=settle, ctVal="0.0001"
    )
    assert (found.base, found.quote, found.settle) == ("BTC", "USD", settle)
    assert found.contract is ContractKind.LINEAR
    book = InstrumentBook([found])
    assert book.market("okx", "BTC-USD_UM_XPERP-310404").symbol == "BTCUSDT"


def test_a_gate_contract_settled_in_another_coin_is_quanto() -> None:
    row = answer("gate", name="ETH_USD", quanto_multiplier="0.000001")
    [found] = from_gate("BTC", row, AS_OF)
    assert found.contract is ContractKind.QUANTO


@pytest.mark.parametrize(
    ("exchange", "changes"),
    [
        ("okx", {"ctVal": ""}),
        ("okx", {"instId": ""}),
        ("okx", {"uly": ""}),
        ("okx", {"uly": 5}),
        ("gate", {"quanto_multiplier": None}),
        ("htx", {"symbol": None}),
        ("binance", {"baseAsset": ""}),
        ("lighter", {"market_type": "spot"}),
        ("lighter", {"symbol": "ETH/USDC"}),
        ("lighter", {"market_id": "0"}),
    ],
)
def test_a_row_without_the_facts_is_left_out(exchange: str, changes: dict[str, Any]) -> None:
    assert parsed(exchange, **changes) == []


@pytest.mark.parametrize("size", ["0", "-1", "NaN", "Infinity", "many", "9" * 50, True, [1]])
def test_a_size_that_makes_no_sense_is_given_back_as_none_to_believe(size: Any) -> None:
    assert only("okx", ctVal=size).contract_size <= 0


@pytest.mark.parametrize("exchange", PARSERS)
@pytest.mark.parametrize("text", [None, 5, "no", {"code": "50011", "msg": "Too many"}, [1, None]])
def test_an_answer_that_is_no_list_raises_nothing_else(exchange: str, text: Any) -> None:
    with contextlib.suppress(ValueError):
        assert PARSERS[exchange](text, AS_OF) == []


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


@pytest.mark.parametrize("settle", ["USDt", "Gwei"])
@pytest.mark.parametrize("kind", ["isInverse", "isQuanto"])
def test_a_bitmex_contract_whose_multiplier_is_not_in_satoshis_is_left_out(
    settle: str, kind: str
) -> None:
    row = bitmex(settlCurrency=settle, isInverse=False, isQuanto=False, multiplier=1000)
    assert from_bitmex([row | {kind: True}], AS_OF) == []


def test_a_bitmex_row_without_a_multiplier_or_of_a_spot_pair_is_left_out() -> None:
    assert from_bitmex([bitmex(typ="IFXXXP")], AS_OF) == []
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
    one, other = only("gate"), only("gate", name="ETH_USDT")
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
    path.write_bytes(snapshot_text(InstrumentBook([only("gate", name="NEW_USDT")])))
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
    after = before.updated([only("gate", quanto_multiplier="0.001")])
    assert len(after) == len(before)
    known = after.get("gate", "BTC_USDT")
    assert known is not None
    assert known.contract_size == Decimal("0.001")
    assert after.newest_as_of == max(AS_OF, before.newest_as_of)
    assert InstrumentBook().newest_as_of == ""
