"""Values that take a rate: what the frame came with decides, and nothing but that."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    load_snapshot,
    normalize,
)
from liq.schemas.codec import encode
from liq.schemas.records import Instrument, Liquidation, Rejected
from liq.schemas.vocabulary import ContractKind, RejectReason

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
RECEIVED_AT_MS = 1_790_000_000_000
SMALLEST = Fraction(1, 10**12)
XBTEUR = Instrument(
    exchange="bitmex",
    native_symbol="XBTEUR",
    base="XBT",
    quote="EUR",
    settle="XBT",
    contract=ContractKind.INVERSE,
    contract_size=Decimal(1),
    as_of="2026-10-01",
)
ETHXBT = replace(
    XBTEUR,
    native_symbol="ETHZ26",
    base="ETH",
    quote="XBT",
    contract=ContractKind.LINEAR,
    contract_size=Decimal("0.00001"),
)
PAID_IN_DOLLARS = replace(
    XBTEUR,
    native_symbol="SOLUSD",
    base="SOL",
    quote="USD",
    settle="USDT",
    contract=ContractKind.QUANTO,
    contract_size=Decimal("0.01"),
)
BOOK = load_snapshot().updated([XBTEUR, ETHXBT, PAID_IN_DOLLARS])


def order(symbol: str, price: str, contracts: str) -> bytes:
    row = {"orderID": "a", "symbol": symbol, "side": "Sell", "price": price, "leavesQty": contracts}
    return orjson.dumps({"table": "liquidation", "action": "insert", "data": [row]})


def usdm(symbol: str, price: str, size: str) -> bytes:
    fields = {"s": symbol, "S": "SELL", "p": price, "ap": price, "z": size, "T": RECEIVED_AT_MS}
    return orjson.dumps({"e": "forceOrder", "o": fields})


def read(
    exchange: str,
    feed: str,
    frame: bytes,
    rates: str,
    config: NormalizerConfig = CONFIG,
) -> Any:
    metadata = FrameMetadata(exchange, feed, RECEIVED_AT_MS, rates=rates)
    [result] = normalize(frame, metadata, BOOK, config)
    assert encode(result) == encode(normalize(frame, metadata, BOOK, config)[0])
    return result


def bitmex(symbol: str, price: str, contracts: str, rates: str) -> Any:
    return read("bitmex", "liquidation", order(symbol, price, contracts), rates)


@pytest.mark.parametrize(
    ("symbol", "price", "contracts", "rates", "expected"),
    [
        ("ETHUSD", "2500", "1000", "BTC=64000@20000", ("2500", "64", "160000", "BTC", 20_000)),
        ("XBTEUR", "50000", "1000", "EUR=1.1@0", ("55000", "0.02", "1100", "EUR", 0)),
        ("ETHZ26", "0.04", "100000", "BTC=60000@7000", ("2400", "1", "2400", "BTC", 7_000)),
    ],
)
def test_values_are_in_dollars_and_name_their_rate(
    symbol: str, price: str, contracts: str, rates: str, expected: tuple[str, str, str, str, int]
) -> None:
    event = bitmex(symbol, price, contracts, rates)
    assert isinstance(event, Liquidation), event
    in_dollars, quantity, value, currency, age_ms = expected
    assert (event.price, event.quantity) == (Decimal(in_dollars), Decimal(quantity))
    assert event.value_usd == Decimal(value)
    assert (event.rate_currency, event.rate_age_ms) == (currency, age_ms)
    assert event.rate == Decimal(rates.partition("=")[2].partition("@")[0])
    assert event.is_institutional is (Decimal(value) >= 100_000)


def test_a_quanto_contract_that_is_paid_in_a_dollar_coin_needs_no_rate() -> None:
    event = bitmex("SOLUSD", "150", "10", "")
    assert isinstance(event, Liquidation), event
    assert (event.value_usd, event.quantity, event.rate) == (Decimal(15), Decimal("0.1"), None)


@pytest.mark.parametrize(
    ("rates", "sentence"),
    [
        ("", "'ETHUSD' is a quanto contract paid in 'BTC', whose rate the frame does not have."),
        ("EUR=1.1@0", "'ETHUSD' is a quanto contract paid in 'BTC', whose rate the frame does not"),
        ("BTC=64000@600001", "whose rate is 600 s old, over 600 s."),
        ("BTC=64000@86400000", "whose rate is 86400 s old, over 600 s."),
        ("BTC=0@1", "but the frame's rates cannot be read."),
        ("\ufffd" * 5_000, "but the frame's rates cannot be read."),
    ],
)
def test_without_a_fresh_rate_an_order_is_rejected_with_its_bytes(
    rates: str, sentence: str
) -> None:
    frame = order("ETHUSD", "2500", "1000")
    rejected = read("bitmex", "liquidation", frame, rates)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.UNSUPPORTED_INSTRUMENT
    assert sentence in rejected.detail
    assert rejected.payload == frame
    other = bitmex("XBTEUR", "50000", "1000", rates.replace("EUR", "GBP"))
    assert other.reason is RejectReason.UNSUPPORTED_QUOTE


def test_the_oldest_rate_that_values_is_a_setting() -> None:
    strict = replace(CONFIG, max_rate_age_ms=60_000)
    frame = order("ETHUSD", "2500", "1000")
    for age_ms, kind in ((60_000, Liquidation), (60_001, Rejected)):
        rates = f"BTC=64000@{age_ms}"
        assert type(read("bitmex", "liquidation", frame, rates, strict)) is kind
    with pytest.raises(ValueError, match="max_rate_age_ms is 0"):
        replace(CONFIG, max_rate_age_ms=0)


@pytest.mark.parametrize(
    ("rates", "value", "rate"),
    [
        ("", "1000", None),
        ("USDT=0.9@0", "900.0", "0.9"),
        ("USDT=1.02@600000", "1020.00", "1.02"),
        ("USDT=0.995@0", "1000", None),
        ("USDT=1.005@0", "1000", None),
        ("USDC=0.9@0", "1000", None),
        # An old or unreadable rate shows nothing: the market is not rejected for want of a ticker.
        ("USDT=0.9@600001", "1000", None),
        ("USDT", "1000", None),
    ],
)
def test_a_coin_counts_as_a_dollar_unless_a_fresh_rate_shows_it_off_its_peg(
    rates: str, value: str, rate: str | None
) -> None:
    event = read("binance", "usdm", usdm("XRPUSDT", "2", "500"), rates)
    assert event.value_usd == Decimal(value)
    assert event.rate == (None if rate is None else Decimal(rate))
    assert event.quantity == Decimal(500)
    assert event.price == Decimal(value) / 500
    assert event.symbol == "XRPUSDT"


def test_a_value_that_a_rate_makes_too_large_is_one_rejection() -> None:
    size = "9" * 25
    assert isinstance(read("binance", "usdm", usdm("ETHBTC", "1", size), "BTC=1@0"), Liquidation)
    rejected = read("binance", "usdm", usdm("ETHBTC", "1", size), "BTC=64000@0")
    assert rejected.reason is RejectReason.INVALID_NUMBER


numbers = st.decimals("0.0001", "1000000", places=4)


@given(price=numbers, size=numbers, usd=numbers, symbol=st.sampled_from(["ETHBTC", "1000PEPEBTC"]))
def test_price_times_quantity_is_the_value(
    price: Decimal, size: Decimal, usd: Decimal, symbol: str
) -> None:
    event = read("binance", "usdm", usdm(symbol, str(price), str(size)), f"BTC={usd}@0")
    if isinstance(event, Rejected):
        assert event.reason is RejectReason.INVALID_NUMBER
        return
    value = Fraction(price) * Fraction(size) * Fraction(usd)
    assert abs(Fraction(event.value_usd) - value) <= SMALLEST
    # The price has twelve places, and the quantity may be large.
    slack = (Fraction(event.quantity) + 1) * SMALLEST
    assert abs(Fraction(event.price) * Fraction(event.quantity) - value) <= slack


@given(price=numbers, contracts=st.integers(1, 10**9), usd=numbers)
def test_a_quanto_position_is_worth_its_bitcoin(
    price: Decimal, contracts: int, usd: Decimal
) -> None:
    event = bitmex("ETHUSD", str(price), str(contracts), f"BTC={usd}@0")
    value = Fraction(contracts, 10**6) * Fraction(price) * Fraction(usd)
    if isinstance(event, Rejected):
        assert event.reason is RejectReason.INVALID_NUMBER
        return
    assert abs(Fraction(event.value_usd) - value) <= SMALLEST
    assert abs(Fraction(event.quantity) * Fraction(price) - value) <= Fraction(price) * SMALLEST
