"""Bybit: `allLiquidation.{symbol}`, of symbols that the venue lists.

Data as recorded 2026-08-11; one bad topic fails the whole request, in words measured then.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["op"] == "ping":
        return Answer([{"success": True, "ret_msg": "pong", "conn_id": "x", "op": "ping"}])
    names = [topic.removeprefix("allLiquidation.") for topic in message["args"]]
    reply = {"success": True, "ret_msg": "", "conn_id": "x", "req_id": message["req_id"]}
    if bad := [name for name in names if name in refused]:
        detail = f"error:handler not found,topic:allLiquidation.{bad[0]}"
        return Answer([{**reply, "success": False, "ret_msg": detail, "op": "subscribe"}])
    return Answer([{**reply, "op": "subscribe"}], names)


def _frame(symbol: str, n: int) -> Any:
    row = {
        "T": START_MS + n - 7,
        "s": symbol,
        "S": "Buy" if n % 2 else "Sell",
        "v": "0.5",
        "p": "60000.5",
    }
    return {
        "topic": f"allLiquidation.{symbol}", "type": "snapshot", "ts": START_MS + n, "data": [row]
    }  # fmt: skip


def _list_markets(symbols: Sequence[str]) -> Any:
    rows = [{"symbol": symbol, "status": "Trading"} for symbol in symbols]
    rows.append({"symbol": "OLDUSDT", "status": "Closed"})
    return {"result": {"list": rows, "nextPageCursor": ""}}


def _dialect(feed: str, symbol: str) -> Dialect:
    return Dialect(
        exchange="bybit",
        feed=feed,
        setting=f"BYBIT_{feed.upper()}_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol=symbol,
        subscribes=symbol,
        listing_setting=f"BYBIT_{feed.upper()}_SYMBOLS_URL",
        list_markets=_list_markets,
        client_ping={"op": "ping"},
        client_pong={"ret_msg": "pong"},
    )


DIALECTS: Final = (
    _dialect("linear", "BTCUSDT"),
    _dialect("inverse", "BTCUSD"),
)
