"""Lighter: `trade/{market}` of numbered markets; both sides ping.

Rows as recorded before 2026, without `trade_id_str`; the first message of a market carries its
history. Refusals as documented 2026.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["type"] == "ping":
        return Answer([{"type": "pong"}])
    if message["type"] == "pong":
        return Answer()
    name = message["channel"].removeprefix("trade/")
    if name in refused:
        return Answer([{"error": {"code": 30005, "message": "Invalid Channel"}}])
    reply: dict[str, Any] = {"channel": f"trade:{name}", "liquidation_trades": None, "nonce": 1,
                             "trades": [], "type": "subscribed/trade"}  # fmt: skip
    return Answer(subscribed=[name], data=[reply])


def _frame(symbol: str, n: int) -> Any:
    row = {"trade_id": n, "tx_hash": f"{n:080x}", "type": "liquidation", "market_id": int(symbol),
           "size": "0.1000", "price": "60000.0", "usd_amount": "6000.000000", "ask_id": n + 1,
           "bid_id": n + 2, "ask_account_id": 281_474, "bid_account_id": 281_475,
           "is_maker_ask": False, "block_height": 7, "timestamp": START_MS + n,
           "taker_position_sign_changed": True}  # fmt: skip
    return {"channel": f"trade:{symbol}", "liquidation_trades": [row], "nonce": n + 1,
            "trades": [], "type": "update/trade"}  # fmt: skip


def _list_markets(symbols: Sequence[str]) -> Any:
    return {"order_books": [{"market_id": int(each), "status": "active"} for each in symbols]}


DIALECTS: Final = (
    Dialect(
        exchange="lighter",
        feed="trade",
        setting="LIGHTER_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="1",
        subscribes="1",
        hello=({"session_id": "a", "type": "connected"},),
        listing_setting="LIGHTER_SYMBOLS_URL",
        list_markets=_list_markets,
        client_ping={"type": "ping"},
        client_pong={"type": "pong"},
        server_ping={"type": "ping"},
        server_pong={"type": "pong"},
    ),
)
