"""Words, numbers and ids that a venue may write in more than one way."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.vocabulary import RejectReason

NOW_MS = 1_795_900_000_000
BOOK = load_snapshot()
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))


def read(exchange: str, feed: str, message: Any) -> list[Liquidation | Rejected]:
    metadata = FrameMetadata(exchange, feed, NOW_MS)
    return normalize(orjson.dumps(message), metadata, BOOK, CONFIG)


def kraken(kind: str) -> list[Liquidation | Rejected]:
    return read(
        "kraken",
        "trade",
        {
            "feed": "trade", "product_id": "PF_ETHUSD", "uid": "u", "side": "sell", "type": kind,
            "seq": 1, "time": NOW_MS - 1_000, "qty": 0.5, "price": 3000,
        },
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["fill", "Fill", "block", "Block", "rfq", "RFQ"])
def test_ordinary_trades_of_kraken_give_nothing_in_any_case(kind: str) -> None:
    assert kraken(kind) == []


@pytest.mark.parametrize(
    "kind", ["hedge", "hedgeAssignment", "hedge_assignment", "Unwind", "termination"]
)
def test_positions_that_are_handed_over_are_named(kind: str) -> None:
    [rejected] = kraken(kind)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.NOT_A_LIQUIDATION


@pytest.mark.parametrize(
    "kind",
    ["liquidation", "partialLiquidation", "partial liquidation", "partial_liquidation",
     "coveredLiquidation"],
)  # fmt: skip
def test_every_spelling_of_a_liquidation_is_one(kind: str) -> None:
    [event] = kraken(kind)
    assert isinstance(event, Liquidation)


def lighter(**ids: Any) -> Liquidation:
    trade = {
        **ids, "type": "liquidation", "market_id": 1, "size": "0.02", "price": "80000",
        "usd_amount": "1600", "is_maker_ask": False, "timestamp": NOW_MS - 1_000,
    }  # fmt: skip
    message = {"type": "update/trade", "channel": "trade:1", "liquidation_trades": [trade]}
    [event] = read("lighter", "trade", message)
    assert isinstance(event, Liquidation), event
    return event


@pytest.mark.parametrize("written", [{}, {"trade_id_str": ""}, {"trade_id_str": None}])
def test_a_trade_without_a_written_id_has_that_of_its_number(written: dict[str, Any]) -> None:
    event = lighter(trade_id=5_550_001, **written)
    assert event.event_id == lighter(trade_id=5_550_001, trade_id_str="5550001").event_id
    assert event.event_id != lighter(trade_id=5_550_002, **written).event_id


def order(symbol: str, **changes: Any) -> dict[str, Any]:
    fields = {"s": symbol, "S": "SELL", "p": "59500", "ap": "60000", "z": "3", "T": NOW_MS - 1}
    return {"e": "forceOrder", "o": {**fields, **changes}}


def test_numbers_of_binance_may_be_numbers() -> None:
    [event] = read("binance", "usdm", order("BTCUSDT", p=59_500, ap=60_000, z=3))
    assert isinstance(event, Liquidation)
    assert event.value_usd == 180_000


@pytest.mark.parametrize(
    ("symbol", "value"), [("BTCUSDT", 180_000), ("BTCUSD_PERP", 300), ("BTCUSD_270326", 300)]
)
@pytest.mark.parametrize("feed", ["usdm", "coinm"])
def test_an_order_without_its_market_is_read_by_its_symbol(
    feed: str, symbol: str, value: int
) -> None:
    [event] = read("binance", feed, order(symbol))
    assert isinstance(event, Liquidation), event
    assert event.value_usd == value
