"""Lighter: `trade/{market}` of numbered markets; both sides ping."""

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
        return Answer([{"error": {"code": 30003, "message": "Invalid Channel"}}])
    reply = {"type": "subscribed/trade", "channel": f"trade:{name}", "trades": []}
    return Answer([reply], [name])


def _frame(symbol: str, n: int) -> Any:
    row = {"trade_id_str": str(n), "size": "0.1", "price": "60000", "type": "liquidation",
           "timestamp": START_MS + n}  # fmt: skip
    return {"type": "update/trade", "channel": f"trade:{symbol}", "liquidation_trades": [row]}


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
        hello=({"type": "connected"},),
        listing_setting="LIGHTER_SYMBOLS_URL",
        list_markets=_list_markets,
        client_ping={"type": "ping"},
        client_pong={"type": "pong"},
        server_ping={"type": "ping"},
        server_pong={"type": "pong"},
    ),
)
