"""Venues with ids and units of their own: what must hold for any of their trades."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.processors.normalizers.venues.dydx import milliseconds
from liq.schemas.records import Liquidation

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK = load_snapshot()
RECEIVED_AT_MS = 1_790_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ids = st.text("0123456789abcdef-", min_size=1, max_size=36)
amounts = st.decimals("0.001", "1000000", places=6).map(str)
prices = st.decimals("0.01", "100000", places=4).map(str)


def event_of(exchange: str, feed: str, message: Any) -> Liquidation:
    metadata = FrameMetadata(exchange, feed, RECEIVED_AT_MS)
    [event] = normalize(orjson.dumps(message), metadata, BOOK, CONFIG)
    assert isinstance(event, Liquidation)
    return event


@given(amount=amounts, price=prices, side=st.sampled_from(["buy", "sell"]))
def test_the_dollars_of_bitget_are_its_amount(amount: str, price: str, side: str) -> None:
    row = {
        "symbol": "BTCUSDT",
        "side": side,
        "price": price,
        "amount": amount,
        "ts": "1777358886549",
    }
    message = {"arg": {"instType": "usdt-futures", "topic": "liquidation"}, "data": [row]}
    event = event_of("bitget", "liquidation", message)
    assert event.value_usd == Decimal(amount)
    assert abs(event.quantity * event.price - event.value_usd) <= event.price * Decimal("1e-12")


@given(
    time=st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - UTC is added
    digits=st.sampled_from([3, 6]),
)
def test_times_of_dydx(time: datetime, digits: int) -> None:
    timespec = "milliseconds" if digits == 3 else "microseconds"
    written = time.isoformat(timespec=timespec) + "Z"
    assert milliseconds(written) == (time.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


@given(uid=ids, price=prices, size=amounts)
def test_a_snapshot_of_kraken_repeats_ids(uid: str, price: str, size: str) -> None:
    trade = {
        "feed": "trade",
        "product_id": "PF_XBTUSD",
        "uid": uid,
        "side": "sell",
        "type": "liquidation",
        "time": 1_783_591_834_100,
        "qty": size,
        "price": price,
    }
    live = event_of("kraken", "trade", trade)
    assert event_of("kraken", "trade", {"feed": "trade_snapshot", "trades": [trade]}) == live


@given(trade_id=ids, price=prices, size=amounts)
def test_a_history_of_dydx_repeats_ids(trade_id: str, price: str, size: str) -> None:
    trade = {
        "id": trade_id,
        "side": "BUY",
        "size": size,
        "price": price,
        "type": "LIQUIDATED",
        "createdAt": "2026-07-09T10:10:34.100Z",
    }
    message = {"channel": "v4_trades", "id": "BTC-USD", "contents": {"trades": [trade]}}
    live = event_of("dydx", "trades", {**message, "type": "channel_data"})
    assert event_of("dydx", "trades", {**message, "type": "subscribed"}) == live


@given(trade_id=st.integers(0, 2**80), maker_asks=st.booleans(), price=prices, size=amounts)
def test_a_history_of_lighter_repeats_ids(
    trade_id: int,
    maker_asks: bool,  # noqa: FBT001 - a drawn value
    price: str,
    size: str,
) -> None:
    trade = {
        "type": "liquidation",
        "market_id": 1,
        "trade_id_str": str(trade_id),
        "is_maker_ask": maker_asks,
        "price": price,
        "size": size,
        "timestamp": 1_783_591_834_100,
    }
    live = event_of("lighter", "trade", {"type": "update/trade", "liquidation_trades": [trade]})
    history = {"type": "subscribed/trade", "liquidation_trades": [trade], "trades": []}
    assert event_of("lighter", "trade", history) == live
