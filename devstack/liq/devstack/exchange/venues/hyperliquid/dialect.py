"""Hyperliquid: `userFills` of a user, or `trades` of a coin."""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

USER: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    subscription = message["subscription"]
    name = subscription.get("user") or subscription["coin"]
    if name in refused:
        return Answer([{"channel": "error", "data": f"Invalid subscription {subscription}"}])
    reply = {"method": "subscribe", "subscription": {**subscription, "aggregateByTime": False}}
    return Answer([{"channel": "subscriptionResponse", "data": reply}], [name])


def _frame(symbol: str, n: int) -> Any:
    fill = {"coin": symbol, "px": "60000.0", "sz": "0.1", "side": "B", "time": START_MS + n,
            "dir": "Liquidated Cross Long", "tid": n, "oid": n}  # fmt: skip
    return {"channel": "userFills", "data": {"user": USER, "fills": [fill]}}


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
