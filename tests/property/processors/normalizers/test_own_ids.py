"""Venues with ids and units of their own: what must hold for any of their trades."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.processors.normalizers.fields import iso_milliseconds
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
    assert iso_milliseconds(written, "createdAt") == (
        time.replace(tzinfo=UTC) - EPOCH
    ) // timedelta(milliseconds=1)


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


@given(trade_id=st.integers(0, 2**63 - 1))
def test_a_number_of_lighter_is_the_same_id_as_its_text(trade_id: int) -> None:
    trade = {
        "type": "liquidation",
        "market_id": 1,
        "is_maker_ask": False,
        "price": "80000",
        "size": "1",
        "timestamp": 1_783_591_834_100,
    }

    def event(name: str, value: object) -> Liquidation:
        rows = [{**trade, name: value}]
        return event_of("lighter", "trade", {"type": "update/trade", "liquidation_trades": rows})

    assert event("trade_id", trade_id) == event("trade_id_str", str(trade_id))


@given(data=st.data(), whole=st.integers(1, 1_000), has_price=st.booleans())
def test_a_position_of_bitfinex_is_never_larger_than_it_was(
    data: st.DataObject,
    whole: int,
    has_price: bool,  # noqa: FBT001 - a drawn value
) -> None:
    parts = data.draw(st.lists(st.integers(1, 1_000), max_size=5).filter(lambda x: sum(x) <= whole))

    def row(number: int, amount: int, is_match: int, price: int | None) -> list[Any]:
        time = 1_783_591_834_100 + number
        return ["pos", 7, time, None, "tBTCF0:USTF0", amount, 1, None, is_match, 1, None, price]

    rows = [row(0, whole, 0, None)]
    if has_price:
        rows.append(row(1, whole, 0, 58_000))
    rows += [row(2 + n, part, 1, 58_000 + n) for n, part in enumerate(parts)]
    cut = data.draw(st.integers(0, len(rows)))
    events: dict[str, Liquidation] = {}
    for frame in (rows[:cut], rows[cut:]):
        metadata = FrameMetadata("bitfinex", "status", RECEIVED_AT_MS)
        for event in normalize(orjson.dumps([1, frame]), metadata, BOOK, CONFIG):
            assert isinstance(event, Liquidation)
            events[event.event_id] = event
    assert len(events) == (1 if has_price or parts else 0)
    assert all(event.quantity <= whole for event in events.values())
