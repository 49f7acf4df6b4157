"""Rows of tardis.dev mean what the venue's own message means, and keep its id where they can."""

import orjson
import pytest

from liq.processors.archives import UnusableFileError
from liq.processors.normalizers import FrameMetadata, normalize
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Arrival, PriceKind, Side
from tests.support.archive_files import (
    BOOK,
    CONFIG,
    TARDIS,
    TARDIS_PATH,
    import_events,
    import_text,
)

TIME_MS = 1_740_787_200_123
LOCAL_MS = TIME_MS + 55


def row(exchange: str, symbol: str, *order: str, own_id: str = "") -> str:
    """Return a row of an order: side, price and amount."""
    return f"{exchange},{symbol},{TIME_MS}000,{LOCAL_MS}417,{own_id},{','.join(order)}"


def live(exchange: str, feed: str, frame: object) -> list[Liquidation]:
    metadata = FrameMetadata(exchange, feed, LOCAL_MS)
    results = normalize(orjson.dumps(frame), metadata, BOOK, CONFIG)
    assert results
    assert all(isinstance(result, Liquidation) for result in results)
    return [result for result in results if isinstance(result, Liquidation)]


OKX = {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}}
BYBIT = {"T": TIME_MS, "v": "0.25", "p": "84000.5"}
KRAKEN = {"feed": "trade", "type": "liquidation", "time": TIME_MS}
# A row, the feed, and the message of that feed which tells of the same.
SAME_ID = {
    "bybit linear": (
        row("bybit", "BTCUSDT", "sell", "84000.5", "0.25"),
        ("bybit", "linear"),
        {"topic": "allLiquidation.BTCUSDT", "data": [BYBIT | {"s": "BTCUSDT", "S": "Buy"}]},
    ),
    "bybit inverse": (
        row("bybit", "BTCUSD", "buy", "84000.5", "1200"),
        ("bybit", "inverse"),
        {
            "topic": "allLiquidation.BTCUSD",
            "data": [BYBIT | {"s": "BTCUSD", "S": "Sell", "v": "1200"}],
        },
    ),
    "okx": (
        row("okex-swap", "SOL-USDT-SWAP", "buy", "141.5", "3"),
        ("okx", "public"),
        OKX
        | {
            "data": [
                {
                    "instId": "SOL-USDT-SWAP",
                    "instType": "SWAP",
                    "details": [
                        {
                            "side": "buy",
                            "posSide": "short",
                            "bkPx": "141.5",
                            "sz": "3",
                            "ts": str(TIME_MS),
                        }
                    ],
                }
            ]
        },
    ),
    "deribit": (
        row("deribit", "BTC-PERPETUAL", "sell", "84000.5", "10", own_id="66460700"),
        ("deribit", "trades"),
        {
            "method": "subscription",
            "params": {
                "channel": "trades.future.any.100ms",
                "data": [
                    {
                        "trade_id": "66460700",
                        "timestamp": TIME_MS,
                        "price": 84000.5,
                        "liquidation": "T",
                        "instrument_name": "BTC-PERPETUAL",
                        "direction": "sell",
                        "amount": 10.0,
                    }
                ],
            },
        },
    ),
    "bitmex": (
        row("bitmex", "XBTUSD", "sell", "84000.5", "1200", own_id="dd9cea25-0000"),
        ("bitmex", "liquidation"),
        {
            "table": "liquidation",
            "action": "insert",
            "data": [
                {
                    "orderID": "dd9cea25-0000",
                    "symbol": "XBTUSD",
                    "side": "Sell",
                    "price": 84000.5,
                    "leavesQty": 1200,
                }
            ],
        },
    ),
    "kraken": (
        row("cryptofacilities", "PI_XBTUSD", "sell", "84000.5", "1200", own_id="3ee209b8"),
        ("kraken", "trade"),
        KRAKEN
        | {
            "product_id": "PI_XBTUSD",
            "uid": "3ee209b8",
            "side": "sell",
            "qty": 1200,
            "price": 84000.5,
        },
    ),
    "dydx": (
        row("dydx-v4", "AVAX-USD", "buy", "22.87", "3.9", own_id="014f495a"),
        ("dydx", "trades"),
        {
            "type": "channel_data",
            "channel": "v4_trades",
            "id": "AVAX-USD",
            "contents": {
                "trades": [
                    {
                        "id": "014f495a",
                        "side": "BUY",
                        "size": "3.9",
                        "price": "22.87",
                        "type": "LIQUIDATED",
                        "createdAt": "2025-03-01T00:00:00.123Z",
                    }
                ]
            },
        },
    ),
    "htx": (
        row("huobi-dm-swap", "BTC-USD", "buy", "84000.5", "26"),
        ("htx", "inverse"),
        {
            "op": "notify",
            "topic": "public.BTC-USD.liquidation_orders",
            "data": [
                {
                    "contract_code": "BTC-USD",
                    "direction": "buy",
                    "offset": "both",
                    "volume": 26,
                    "price": 84000.5,
                    "created_at": TIME_MS,
                    "amount": 0.03,
                }
            ],
        },
    ),
    "bitget": (
        row("bitget-futures", "APEUSDT", "sell", "0.1649", "13.70319"),
        ("bitget", "liquidation"),
        {
            "arg": {"instType": "usdt-futures", "topic": "liquidation"},
            "data": [
                {
                    "symbol": "APEUSDT",
                    "side": "buy",
                    "price": "0.1649",
                    "amount": "13.70319",
                    "ts": str(TIME_MS),
                }
            ],
        },
    ),
}
NOT_COMPARED = {"arrival", "source"}


@pytest.mark.parametrize("name", SAME_ID)
def test_a_row_is_the_event_of_the_live_message(name: str) -> None:
    line, feed, frame = SAME_ID[name]
    [imported] = import_events(TARDIS, line, path=TARDIS_PATH)
    [expected] = live(*feed, frame)
    for field in Liquidation.__slots__:
        if field not in NOT_COMPARED:
            assert getattr(imported, field) == getattr(expected, field), field
    assert imported.arrival is Arrival.IMPORTED
    assert imported.received_at_ms == LOCAL_MS


def test_a_binance_row_has_the_order_price_and_says_so() -> None:
    [linear, inverse] = import_events(
        TARDIS,
        row("binance-futures", "1000PEPEUSDT", "sell", "0.012", "5000"),
        row("binance-delivery", "BTCUSD_PERP", "buy", "80000", "4"),
        path=TARDIS_PATH,
    )
    assert (linear.side, linear.price_kind) == (Side.LONG, PriceKind.ORDER)
    assert (linear.base, str(linear.value_usd)) == ("PEPE", "60.000")
    assert (inverse.side, str(inverse.value_usd), str(inverse.quantity)) == (
        Side.SHORT,
        "400",
        "0.005",
    )


def test_rows_that_came_together_and_are_the_same_are_two_liquidations() -> None:
    same = row("bybit", "BTCUSDT", "sell", "84000.5", "0.25")
    frame = {"topic": "allLiquidation.BTCUSDT", "data": [BYBIT | {"s": "BTCUSDT", "S": "Buy"}] * 2}
    events = import_events(TARDIS, same, same, path=TARDIS_PATH)
    assert [event.event_id for event in events] == [
        event.event_id for event in live("bybit", "linear", frame)
    ]


def test_a_row_that_came_again_later_is_the_same_liquidation() -> None:
    first = row("bybit", "BTCUSDT", "sell", "84000.5", "0.25")
    again = first.replace(f"{LOCAL_MS}417", f"{LOCAL_MS + 900}417")
    events, bad, repeats = import_text(f"{TARDIS}\n{first}\n{again}\n", TARDIS_PATH)
    assert (len(events), bad, repeats) == (1, [], 1)


def test_bad_rows_are_told_by_their_lines_and_the_others_read() -> None:
    good = row("bybit", "BTCUSDT", "sell", "84000.5", "0.25")
    text = "\n".join(
        [
            TARDIS,
            good,
            good + ",more",
            good.replace(f"{TIME_MS}000", str(TIME_MS)),
            good.replace("bybit", "binance-options"),
            good.replace("sell", "hold"),
            good.replace("84000.5", "-1"),
            row("okex-swap", "NOBODY-KNOWS-SWAP", "buy", "1", "1"),
            good.replace("0.25", "0.5"),
        ]
    )
    events, bad, _ = import_text(text, TARDIS_PATH)
    assert [str(event.quantity) for event in events] == ["0.25", "0.5"]
    assert [(each.line, each.reason) for each in bad] == [
        (3, "malformed_line"),
        (4, "malformed_line"),
        (5, "unknown_exchange"),
        (6, "unsupported"),
        (7, "invalid_number"),
        (8, "unknown_instrument"),
    ]
    assert "microseconds" in bad[1].detail


def test_the_source_names_archive_file_and_line() -> None:
    line = row("bybit", "BTCUSDT", "sell", "84000.5", "0.25")
    [event] = import_events(TARDIS, line, path=f"/home/someone/{TARDIS_PATH}")
    assert event.source is not None
    assert (event.source.topic, event.source.offset) == (f"import:tardis:{TARDIS_PATH}", 2)


@pytest.mark.parametrize(
    ("path", "exchange", "says"),
    [
        ("binance-futures_trades_2025-03-01_BTCUSDT.csv", "binance-futures", "--format tardis"),
        (TARDIS_PATH, "bitfinex-derivatives", "triggers"),
        (TARDIS_PATH, "binance-options", "is none of"),
    ],
)
def test_a_file_of_another_kind_or_venue_is_refused(path: str, exchange: str, says: str) -> None:
    with pytest.raises(UnusableFileError, match=says):
        import_text(f"{TARDIS}\n{row(exchange, 'BTCUSDT', 'sell', '1', '1')}", path)


def test_a_file_without_rows_is_empty() -> None:
    assert import_text(f"{TARDIS}\n", TARDIS_PATH) == ([], [], 0)
