"""What the venues' contract lists are made into; the shapes are those of ccxt 4.5 and BitMEX."""

from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from processors.normalizers import load_snapshot
from processors.normalizers.instruments import SNAPSHOT_FILE, InstrumentBook, snapshot_text
from processors.normalizers.metadata import from_bitmex, from_ccxt
from schemas.records import Instrument
from schemas.vocabulary import ContractKind

AS_OF = "2026-10-01"


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


def test_the_shipped_snapshot_is_in_the_form_that_refresh_writes() -> None:
    shipped = files("processors.normalizers").joinpath(SNAPSHOT_FILE)
    assert snapshot_text(load_snapshot()) == shipped.read_bytes()


def test_a_refreshed_contract_replaces_the_shipped_one() -> None:
    before = load_snapshot()
    after = before.updated([only("gate", contractSize=0.001)])
    assert len(after) == len(before)
    known = after.get("gate", "BTC_USDT")
    assert known is not None
    assert known.contract_size == Decimal("0.001")
    assert after.newest_as_of == max(AS_OF, before.newest_as_of)
    assert InstrumentBook().newest_as_of == ""
