"""BitMEX: the `liquidation` table, with a welcome on connecting."""

from typing import Any, Final

from liq.devstack.exchange.dialect import Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    if refused & set(message["args"]):
        return Answer([{"status": 400, "error": "Unknown table", "request": message}])
    replies = [{"success": True, "subscribe": a, "request": message} for a in message["args"]]
    return Answer(replies, message["args"])


def _frame(symbol: str, n: int) -> Any:
    row = {"orderID": f"order-{n}", "symbol": symbol, "side": "Buy", "price": 60000,
           "leavesQty": 100}  # fmt: skip
    return {"table": "liquidation", "action": "insert", "data": [row]}


DIALECTS: Final = (
    Dialect(
        exchange="bitmex",
        feed="liquidation",
        setting="BITMEX_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="XBTUSD",
        subscribes="liquidation",
        hello=({"info": "Welcome", "version": "2.0.0"},),
        client_ping="ping",
        client_pong="pong",
    ),
)
