"""BitMEX: the `liquidation` table, with a welcome on connecting.

The first data of a table are its present rows, `partial`; here one order stands. Messages as in
bitmex.com/app/wsAPI, 2026; rows as recorded 2020.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import Answer, Dialect

PARTIAL: Final = {
    "table": "liquidation",
    "action": "partial",
    "keys": ["orderID"],
    "types": {"orderID": "guid", "symbol": "symbol", "side": "symbol", "price": "float",
              "leavesQty": "long"},
    "data": [{"orderID": "dd9cea25-0000-4000-8000-000000000000", "symbol": "XBTUSD",
              "side": "Buy", "price": 10106, "leavesQty": 9214}],
}  # fmt: skip
WELCOME: Final = {
    "info": "Welcome to the BitMEX Realtime API.",
    "version": "2.0.0",
    "timestamp": "2026-07-02T13:46:40.000Z",
    "docs": "https://www.bitmex.com/app/wsAPI",
    "limit": {"remaining": 39},
}


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    if refused & set(message["args"]):
        error = f"Unknown table: {message['args'][0]}"
        return Answer([{"status": 400, "error": error, "meta": {}, "request": message}])
    replies = [{"success": True, "subscribe": a, "request": message} for a in message["args"]]
    return Answer(replies, message["args"], data=[PARTIAL])


def _frame(symbol: str, n: int) -> Any:
    row = {"orderID": f"dd9cea25-0000-4000-8000-{n:012}", "symbol": symbol, "side": "Buy",
           "price": 60000, "leavesQty": 100}  # fmt: skip
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
        hello=(WELCOME,),
        client_ping="ping",
        client_pong="pong",
    ),
)
