"""Symbols, contract metadata, price levels, configuration and the registry of venues."""

import sys
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal
from pathlib import Path

import pytest

from liq.processors.normalizers import (
    FrameMetadata,
    InstrumentBook,
    NormalizerConfig,
    known_exchanges,
    load_snapshot,
    normalize,
)
from liq.processors.normalizers.building import new_draft
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.hyperliquid_markets import perpetual_market
from liq.processors.normalizers.markets import Market, resolve_base
from liq.processors.normalizers.price_levels import price_level
from liq.processors.normalizers.registry import find_venues
from liq.processors.normalizers.venues import binance, bybit
from liq.schemas.records import Instrument, Liquidation, Source
from liq.schemas.vocabulary import (
    Completeness,
    ContractKind,
    Evidence,
    PriceKind,
    RejectReason,
    Side,
)

LINEAR, INVERSE = ContractKind.LINEAR, ContractKind.INVERSE


def parts(market: Market) -> tuple[str, str, str, str, int]:
    return market.symbol, market.base, market.quote, market.settle, market.base_power


@pytest.mark.parametrize(
    ("base", "asset", "power"),
    [
        ("BTC", "BTC", 0),
        ("XBT", "BTC", 0),
        ("1INCH", "1INCH", 0),
        ("1000PEPE", "PEPE", 3),
        ("10000LADYS", "LADYS", 4),
        ("1000000MOG", "MOG", 6),
        ("10000000AIDOGE", "AIDOGE", 7),
        ("1MBABYDOGE", "BABYDOGE", 6),
        ("SHIB1000", "SHIB", 3),
        ("1000", "1000", 0),
        ("100X", "100X", 0),
        ("1000X", "X", 3),
        ("1000币安人生", "币安人生", 3),
        ("1M币安", "币安", 6),
        ("1000ЩЩ", "ЩЩ", 3),
        ("1000pepe", "1000pepe", 0),
        ("GOLD", "XAU", 0),
        ("XAUT", "XAUT", 0),
        ("PAXG", "PAXG", 0),
        ("TSLAX", "TSLA", 0),
        ("1000BEAMX", "BEAM", 3),
    ],
)
def test_multipliers_in_names(base: str, asset: str, power: int) -> None:
    assert resolve_base(base) == (asset, power)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("BTCUSDT", ("BTCUSDT", "BTC", "USDT", "USDT", 0)),
        ("BTCUSDC", ("BTCUSDT", "BTC", "USDC", "USDC", 0)),
        ("BTCUSDT_250627", ("BTCUSDT", "BTC", "USDT", "USDT", 0)),
        ("1000SHIBUSDC", ("SHIBUSDT", "SHIB", "USDC", "USDC", 3)),
        ("USDCUSDT", ("USDCUSDT", "USDC", "USDT", "USDT", 0)),
        ("ARBUSDT", ("ARBUSDT", "ARB", "USDT", "USDT", 0)),
        ("BTCUSD1", ("BTCUSDT", "BTC", "USD1", "USD1", 0)),
    ],
)
def test_binance_symbols(symbol: str, expected: tuple[str, str, str, str, int]) -> None:
    assert parts(binance.usdm_market(symbol)) == expected


@pytest.mark.parametrize(
    ("symbol", "contract", "expected"),
    [
        ("BTCUSDT", LINEAR, ("BTCUSDT", "BTC", "USDT", "USDT", 0)),
        ("BTCUSDT-27JUN25", LINEAR, ("BTCUSDT", "BTC", "USDT", "USDT", 0)),
        ("BTC-27JUN25", LINEAR, ("BTCUSDT", "BTC", "USDC", "USDC", 0)),
        ("BTCPERP", LINEAR, ("BTCUSDT", "BTC", "USDC", "USDC", 0)),
        ("PERPUSDT", LINEAR, ("PERPUSDT", "PERP", "USDT", "USDT", 0)),
        ("1000BONKPERP", LINEAR, ("BONKUSDT", "BONK", "USDC", "USDC", 3)),
        ("BTCUSD", INVERSE, ("BTCUSDT", "BTC", "USD", "BTC", 0)),
        ("BTCUSDZ26", INVERSE, ("BTCUSDT", "BTC", "USD", "BTC", 0)),
        ("BNBUSD", INVERSE, ("BNBUSDT", "BNB", "USD", "BNB", 0)),
    ],
)
def test_bybit_symbols(
    symbol: str, contract: ContractKind, expected: tuple[str, str, str, str, int]
) -> None:
    assert parts(bybit.futures_market(symbol, contract)) == expected


@pytest.mark.parametrize(
    ("coin", "base", "power"),
    [
        ("BTC", "BTC", 0),
        ("kPEPE", "PEPE", 3),
        ("k币安", "币安", 3),
        ("xyz:CRWV", "CRWV", 0),
        ("xyz:TSLA", "TSLA", 0),
        ("xyz:EUR", "EUR", 0),
        ("xyz:JPY", "USDJPY", 0),
        ("KAS", "KAS", 0),
    ],
)
def test_hyperliquid_coins(coin: str, base: str, power: int) -> None:
    assert parts(perpetual_market(coin)) == (base + "USDT", base, "USDC", "USDC", power)


@pytest.mark.parametrize(
    ("coin", "fee_token", "base", "quote"),
    [
        ("flx:GOLD", "", "XAU", "USDH"),
        ("flx:GOLD", "USDC", "XAU", "USDC"),
        ("cash:TSLA", "USDT0", "TSLA", "USDT"),
        ("hyna:kPEPE", "USDE", "PEPE", "USDE"),
        ("km:JPY", "USDH", "km:JPY", "USDH"),
    ],
)
def test_builder_markets_are_in_their_collateral(
    coin: str, fee_token: str, base: str, quote: str
) -> None:
    market = perpetual_market(coin, fee_token)
    assert (market.base, market.quote, market.settle) == (base, quote, quote)
    assert market.symbol == f"{base}USDT"
    assert not market.needs_rate


@pytest.mark.parametrize("fee_token", ["", "HYPE", "KNTQ"])
def test_builder_markets_of_unknown_collateral_are_not_valued(fee_token: str) -> None:
    with pytest.raises(EntryError) as caught:
        perpetual_market("abcd:TSLA", fee_token)
    assert caught.value.reason is RejectReason.UNSUPPORTED_QUOTE


@pytest.mark.parametrize("symbol", ["ETHJPY", "BTCU"])
def test_quotes_that_the_venue_is_not_known_to_have_are_unsupported(symbol: str) -> None:
    with pytest.raises(EntryError) as caught:
        binance.usdm_market(symbol)
    assert caught.value.reason is RejectReason.UNSUPPORTED_QUOTE


@pytest.mark.parametrize(
    ("symbol", "expected", "currency"),
    [
        ("ETHBTC", ("ETHBTC", "ETH", "BTC", "BTC", 0), "BTC"),
        ("BTCEUR", ("BTCEUR", "BTC", "EUR", "EUR", 0), "EUR"),
    ],
)
def test_other_quotes_need_a_rate(
    symbol: str, expected: tuple[str, str, str, str, int], currency: str
) -> None:
    market = binance.usdm_market(symbol)
    assert parts(market) == expected
    assert (market.rate_currency, market.needs_rate) == (currency, True)


@pytest.mark.parametrize(
    ("price", "base", "level"),
    [
        ("62384.9", "BTC", "62400"),
        ("62350", "BTC", "62400"),
        ("62349.99", "BTC", "62300"),
        ("12", "BTC", "100"),
        ("1801.88", "ETH", "1802"),
        ("1414", "ETH", "1414"),
        ("1415", "ETH", "1416"),
        ("3163", "ETH", "3165"),
        ("7072", "ETH", "7070"),
        ("77.66", "SOL", "77.7"),
        ("0.07213", "DOGE", "0.0721"),
        ("0.000000000001", "DUST", "0.000000000001"),
        ("0.00000000009234", "AIDOGE", "0.0000000000923"),
        ("0.000000000000000001", "DUST", "0.000000000000000001"),
    ],
)
def test_price_levels(price: str, base: str, level: str) -> None:
    assert price_level(Decimal(price), base, Decimal(100)) == Decimal(level)


def instrument(**changes: object) -> Instrument:
    values = {
        "exchange": "okx",
        "native_symbol": "BTC-USDT-SWAP",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "contract": LINEAR,
        "contract_size": Decimal("0.01"),
        "as_of": "2026-07-12",
    }
    return Instrument(**{**values, **changes})  # type: ignore[arg-type]  # typed by the table above


def test_a_book_is_updated_without_changing() -> None:
    book = InstrumentBook([instrument()])
    newer = book.updated([instrument(contract_size=Decimal(1)), instrument(native_symbol="X")])
    assert book.market("okx", "BTC-USDT-SWAP").contract_size == Decimal("0.01")
    assert newer.market("okx", "BTC-USDT-SWAP").contract_size == Decimal(1)
    assert (len(book), len(newer)) == (1, 2)
    assert book.get("okx", "X") is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quote": ""}, RejectReason.UNSUPPORTED_QUOTE),
        (
            {"contract": ContractKind.QUANTO, "quote": "EUR", "settle": "BTC"},
            RejectReason.UNSUPPORTED_INSTRUMENT,
        ),
        ({"base": ""}, RejectReason.INVALID_SYMBOL),
        ({"contract_size": Decimal(0)}, RejectReason.INVALID_NUMBER),
        ({"contract_size": Decimal(-1)}, RejectReason.INVALID_NUMBER),
        ({"contract_size": Decimal("1e30")}, RejectReason.INVALID_NUMBER),
    ],
)
def test_metadata_that_cannot_be_used_says_why(
    changes: dict[str, object], reason: RejectReason
) -> None:
    book = InstrumentBook([instrument(**changes)])
    with pytest.raises(EntryError) as caught:
        book.market("okx", "BTC-USDT-SWAP")
    assert caught.value.reason is reason


def test_the_shipped_contracts() -> None:
    book = load_snapshot()
    sizes = {
        "BTC-USDT-SWAP": "0.01",
        "ETH-USDT-SWAP": "0.1",
        "SOL-USDT-SWAP": "1",
        "XRP-USDT-SWAP": "100",
        "DOGE-USDT-SWAP": "1000",
        "BTC-USD-SWAP": "100",
        "ETH-USD-SWAP": "10",
        "XRP-USD-230929": "10",
    }
    for symbol, size in sizes.items():
        market = book.market("okx", symbol)
        assert market.contract_size == Decimal(size)
        assert market.contract is (INVERSE if "-USD-" in symbol else LINEAR)


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "1e30", "1e13", "0.0000000000001"])
def test_unusable_thresholds_are_refused_with_a_sentence(value: str) -> None:
    with pytest.raises(ValueError, match="institutional_threshold_usd is"):
        NormalizerConfig(Decimal(value), Decimal(100))
    with pytest.raises(ValueError, match="btc_price_level_step_usd is"):
        NormalizerConfig(Decimal(100), Decimal(value))


def test_a_draft_becomes_the_same_frozen_record() -> None:
    values = {
        "event_id": "0" * 32,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "native_symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDC",
        "contract": LINEAR,
        "side": Side.LONG,
        "price": Decimal(1),
        "price_kind": PriceKind.FILL,
        "quantity": Decimal(2),
        "value_usd": Decimal(3),
        "timestamp_ms": 4,
        "received_at_ms": 5,
        "completeness": Completeness.SAMPLED,
        "evidence": Evidence.REPORTED,
        "is_institutional": False,
        "price_level": Decimal(6),
    }
    plain = Liquidation(**values)  # type: ignore[arg-type]  # typed by the table above
    draft = new_draft()
    for one in fields(Liquidation):
        setattr(draft, one.name, getattr(plain, one.name))
    draft.__class__ = Liquidation
    built: Liquidation = draft
    assert type(built) is Liquidation
    assert built == plain
    assert hash(built) == hash(plain)
    assert all(getattr(built, one.name) == getattr(plain, one.name) for one in fields(plain))
    with pytest.raises(FrozenInstanceError):
        built.price = Decimal(0)  # type: ignore[misc]  # the point of the test


def test_a_normalized_event_has_every_value_in_its_own_field() -> None:
    frame = (
        b'{"channel":"userFills","data":{"user":"0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",'
        b'"fills":[{"coin":"kPEPE","px":"0.0125","sz":"40000000","side":"B",'
        b'"time":1787375624383,"tid":7,'
        b'"dir":"Liquidated Cross Long","liquidation":{"method":"backstop",'
        b'"liquidatedUser":"0xcb02837caaee310c178501855b63bf7f4f4b1f8b"}}]}}'
    )
    source = Source("liquidations.raw.hyperliquid", 3, 14)
    metadata = FrameMetadata("hyperliquid", "userFills", 1_787_375_624_999, source)
    config = NormalizerConfig(Decimal(100_000), Decimal(100))
    assert normalize(frame, metadata, load_snapshot(), config) == [
        Liquidation(
            event_id="b23efcd26c8ff4d81562a53edc0366f4",
            exchange="hyperliquid",
            symbol="PEPEUSDT",
            native_symbol="kPEPE",
            base="PEPE",
            quote="USDC",
            settle="USDC",
            contract=LINEAR,
            side=Side.LONG,
            price=Decimal("0.0000125"),
            price_kind=PriceKind.FILL,
            quantity=Decimal(40_000_000_000),
            value_usd=Decimal(500_000),
            timestamp_ms=1_787_375_624_383,
            received_at_ms=1_787_375_624_999,
            completeness=Completeness.BACKSTOP,
            evidence=Evidence.REPORTED,
            is_institutional=True,
            price_level=Decimal("0.0000125"),
            liquidated_user="0xcb02837caaee310c178501855b63bf7f4f4b1f8b",
            liquidator="0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
            source=source,
        )
    ]


def test_the_venues_are_found_by_their_modules() -> None:
    assert set(known_exchanges()) >= {"binance", "bybit", "hyperliquid", "okx"}
    assert list(known_exchanges()) == sorted(known_exchanges())


VENUE_MODULE = """
from liq.processors.normalizers.venue import Venue
VENUE = Venue(exchange="somewhere", feeds={})
"""


@pytest.mark.parametrize(
    ("modules", "problem"),
    [
        ({"forgotten": ""}, "must declare VENUE"),
        ({"one": VENUE_MODULE, "two": VENUE_MODULE}, "Two modules declare"),
    ],
)
def test_a_mistaken_venue_module_fails_at_the_start(
    modules: dict[str, str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "venues_under_test"
    package.mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        venues = __import__(package.name)
        with pytest.raises((TypeError, ValueError), match=problem):
            find_venues(venues)
    finally:
        for name in [name for name in sys.modules if name.startswith(package.name)]:
            del sys.modules[name]
