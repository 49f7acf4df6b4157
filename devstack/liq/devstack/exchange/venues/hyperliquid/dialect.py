"""Hyperliquid: `userFills` of a user, or `trades` of a coin.

Fills as recorded 2026-08-22, `markPx` as text and the takeover's `liquidation` with them. The first
message of a user is a snapshot of old fills. Refusals as measured 2026-08-18.
"""

import json
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

USER: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
VICTIM: Final = "0xcb02837caaee310c178501855b63bf7f4f4b1f8b"


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    subscription = message["subscription"]
    name = subscription.get("user") or subscription["coin"]
    if name in refused:
        detail = f"Invalid subscription {json.dumps(subscription)}"
        return Answer([{"channel": "error", "data": detail}])
    reply = {"method": "subscribe", "subscription": {**subscription, "aggregateByTime": False}}
    unwinding = {**_fill("BTC", 0), "dir": "Close Long", "side": "A", "crossed": False}
    del unwinding["liquidation"]
    old = {"isSnapshot": True, "user": name, "fills": [unwinding]}
    data = [{"channel": "userFills", "data": old}] if "user" in subscription else []
    return Answer([{"channel": "subscriptionResponse", "data": reply}], [name], data)


def _frame(symbol: str, n: int) -> Any:
    return {"channel": "userFills", "data": {"user": USER, "fills": [_fill(symbol, n)]}}


def _fill(symbol: str, n: int) -> dict[str, Any]:
    return {"coin": symbol, "px": "60000.0", "sz": "0.1", "side": "B", "time": START_MS + n,
            "startPosition": "0.0", "dir": "Liquidated Cross Long", "closedPnl": "0.0",
            "hash": f"0x{n + 1:064x}", "oid": n, "crossed": True, "fee": "0.0", "tid": n,
            "liquidation": {"liquidatedUser": VICTIM, "markPx": "59900.0", "method": "backstop"},
            "feeToken": "USDC", "twapId": None}  # fmt: skip


DIALECTS: Final = (
    Dialect(
        exchange="hyperliquid",
        feed="userFills",
        setting="HYPERLIQUID_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC",
        subscribes=USER,
        client_ping={"method": "ping"},
        client_pong={"channel": "pong"},
    ),
)
