"""Local exchanges send what was recorded: the same fields, of the same types and places."""

from typing import Any, Final

import orjson
import pytest

from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.registry import DIALECTS, dialect
from tests.support.venue_fixtures import VENUE_FOLDERS

# Frames that no fixture has yet: feed, frame, source and date.
RECORDED: Final = {
    # saiy829/btc-trader @7f59026, three hosts, 2026-08-11
    ("gate", "usdt"): '{"time":1786446073,"time_ms":1786446073100,'
    '"channel":"futures.public_liquidates","event":"update",'
    '"result":{"contract":"BTC_USDT","price":"64480.5","time":1786446073100,"size":1}}',
    # A public live probe of 2026-08-11
    ("bybit", "linear"): '{"topic":"allLiquidation.BTCUSDT","type":"snapshot",'
    '"ts":1786443132482,"data":[{"T":1786443132475,"s":"BTCUSDT","S":"Sell","v":"0.006",'
    '"p":"64555.10"}]}',
    ("okx", "public"): '{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":['
    '{"details":[{"bkLoss":"0","bkPx":"0.4162","ccy":"","posSide":"short","side":"buy",'
    '"sz":"2137","ts":"1789669898955"}],"instFamily":"CNPY-USDT","instId":"CNPY-USDT-SWAP",'
    '"instType":"SWAP","uly":"CNPY-USDT"}]}',
    # Frames quoted in 2026-09 and 2026-10
    ("binance", "coinm"): '{"e":"forceOrder","E":1795899999110,"o":{"s":"BTCUSD_PERP","S":"SELL",'
    '"o":"LIMIT","f":"IOC","q":"25","p":"80100.0","ap":"80500.0","X":"FILLED","l":"5","z":"25",'
    '"T":1795899999100,"ps":"BTCUSD","st":2}}',
    # Rows of before 2026, without `trade_id_str`
    ("lighter", "trade"): '{"type":"update/trade","channel":"trade:1","nonce":9,"trades":[],'
    '"liquidation_trades":[{"trade_id":5550001,"tx_hash":"00ab","type":"liquidation",'
    '"market_id":1,"size":"0.0200","price":"80000.0","usd_amount":"1600.000000","ask_id":11,'
    '"bid_id":12,"ask_account_id":1,"bid_account_id":2,"is_maker_ask":false,"block_height":7,'
    '"timestamp":1795899999600,"taker_position_sign_changed":true}]}',
}
FIXTURES: Final = {
    ("aster", "usdm"): "sell_closes_a_long",
    ("bitget", "liquidation"): "amount_is_quote_and_buy_a_long",
    ("bitmex", "liquidation"): "insert_is_an_order",
    ("deribit", "trades"): "taker_sell_is_a_long",
    ("dydx", "trades"): "sell_closes_a_long",
    ("extended", "trades"): "taker_sold_a_long",
    ("htx", "linear"): "linear_amount",
    ("htx", "futures"): "coin_future_of_100_dollars",
    ("hyperliquid", "userFills"): "takeover_of_a_long",
    ("kraken", "trade"): "inverse_perpetual_taker_sold",
    ("pacifica", "trades"): "market_liquidation_of_a_long",
}


def shape(value: Any) -> Any:
    """Fields and types; numbers are one type, and a list is as its first element."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def fixture_frame(exchange: str, name: str) -> Any:
    fixture = VENUE_FOLDERS / exchange / "fixtures" / f"{name}.json"
    return orjson.loads(fixture.read_bytes())["frame"]


@pytest.mark.parametrize("feed", [*RECORDED, *FIXTURES], ids=".".join)
def test_frames_have_the_shape_of_recorded_ones(feed: tuple[str, str]) -> None:
    spoken = dialect(*feed)
    recorded = (
        orjson.loads(RECORDED[feed])
        if feed in RECORDED
        else fixture_frame(spoken.exchange, FIXTURES[feed])
    )
    assert shape(spoken.frame(spoken.symbol, 1)) == shape(recorded)


@pytest.mark.parametrize("each", DIALECTS, ids=lambda each: f"{each.exchange}.{each.feed}")
def test_a_frame_is_dated_by_its_number(each: Any) -> None:
    early, late = (orjson.dumps(each.frame(each.symbol, n)) for n in (1, 86_400_001))
    assert early != late
    if each.exchange not in {"bitmex", "dydx"}:
        # The hours of START_MS; the day after is another number.
        assert str(START_MS)[:6].encode() in early
        assert str(START_MS + 86_400_000)[:6].encode() in late


def test_most_of_krakens_liquidations_are_partial() -> None:
    kraken = dialect("kraken", "trade")
    kinds = [kraken.frame("PI_XBTUSD", n)["type"] for n in range(1, 40)]
    assert kinds.count("partialLiquidation") == 38
    assert kinds.count("liquidation") == 1


def test_bitfinex_speaks_without_configuration_flags() -> None:
    bitfinex = dialect("bitfinex", "status")
    channel, [row] = bitfinex.frame("tBTCF0:USTF0", 1)
    recorded = fixture_frame("bitfinex", "execution_after_its_trigger")[1][1]
    assert type(channel) is int
    assert shape(row) == shape(recorded)
    assert len(row) == len(recorded)


def test_okx_acknowledges_each_argument_with_the_connection() -> None:
    arguments = [
        {"channel": "liquidation-orders", "instType": each} for each in ("SWAP", "FUTURES")
    ]
    answer = dialect("okx", "public").respond({"op": "subscribe", "args": arguments}, frozenset())
    acknowledged = fixture_frame("okx", "subscription_acknowledged")
    assert [shape(reply) for reply in answer.replies] == [shape(acknowledged)] * 2
