"""Hyperliquid: `userFills` of a user, or `trades` of a coin.

Fills as recorded 2026-08-22, `markPx` as text and the takeover's `liquidation` with them. The first
message of a user is a snapshot of old fills. Refusals as measured 2026-08-18.

`goldrush` and `hydromancer` as their documentation of 2026-09 shows them; Hydromancer's answer to a
subscription is a guess.
"""

import json
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

USER: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
#: A local exchange lists no coins: `HYPERLIQUID_TAPE_COINS` names them where the tape is wanted.
ONLY_FILLS: Final = {"HYPERLIQUID_TAPE_COINS": "none"}
VICTIM: Final = "0xcb02837caaee310c178501855b63bf7f4f4b1f8b"


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    subscription = message["subscription"]
    name = subscription.get("user") or subscription["coin"]
    if message["method"] == "unsubscribe":
        return Answer([{"channel": "subscriptionResponse", "data": message}], ended=[name])
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


def _both_fills(symbol: str, n: int) -> list[Any]:
    """Return two fills of a liquidation by market order: the liquidated user's and the maker's."""
    liquidation = {"liquidatedUser": VICTIM, "markPx": "59900.0", "method": "market"}
    closing = {**_fill(symbol, n), "side": "A", "dir": "Close Long", "liquidation": liquidation}
    return [[VICTIM, closing], [USER, {**closing, "side": "B", "dir": "Open Long"}]]


def _respond_goldrush(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    subscription = message["subscription"]
    if subscription["type"] in refused:
        return Answer([{"channel": "error", "data": f"Invalid {json.dumps(subscription)}"}])
    data = {"method": "subscribe", "subscription": subscription}
    return Answer([{"channel": "subscriptionResponse", "data": data}], [subscription["type"]])


def _respond_hydromancer(message: Any, refused: frozenset[str]) -> Answer:
    if message["type"] != "subscribe":
        return Answer()
    name = message["subscription"]["type"]
    if name in refused:
        return Answer([{"type": "error", "message": f"Invalid subscription type: {name}"}])
    return Answer([{"type": "subscriptionUpdate", "subscriptions": [name]}], [name])


def _goldrush_frame(symbol: str, n: int) -> Any:
    return {"channel": "liquidationFills", "fills": _both_fills(symbol, n)}


def _hydromancer_frame(symbol: str, n: int) -> Any:
    return {"type": "liquidationFills", "channel": "liquidationFills", "seq": n,
            "cursor": f"{n}:{START_MS + n}:0", "chunk": 1, "totalChunks": 1, "batchId": n,
            "fills": _both_fills(symbol, n)}  # fmt: skip


DIALECTS: Final = (
    Dialect(
        exchange="hyperliquid",
        feed="userFills",
        setting="HYPERLIQUID_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC",
        environment=ONLY_FILLS,
        subscribes=USER,
        client_ping={"method": "ping"},
        client_pong={"channel": "pong"},
    ),
    Dialect(
        exchange="hyperliquid",
        feed="goldrush",
        setting="HYPERLIQUID_GOLDRUSH_WS_URL",
        key_setting="HYPERLIQUID_GOLDRUSH_KEY",
        key_parameter="key",
        respond=_respond_goldrush,
        frame=_goldrush_frame,
        symbol="BTC",
        environment=ONLY_FILLS,
        subscribes="liquidationFills",
        client_ping={"method": "ping"},
        client_pong={"channel": "pong"},
    ),
    Dialect(
        exchange="hyperliquid",
        feed="hydromancer",
        setting="HYPERLIQUID_HYDROMANCER_WS_URL",
        key_setting="HYPERLIQUID_HYDROMANCER_KEY",
        key_parameter="token",
        respond=_respond_hydromancer,
        frame=_hydromancer_frame,
        symbol="BTC",
        environment=ONLY_FILLS,
        subscribes="liquidationFills",
        hello=(
            {
                "type": "connected",
                "clientId": "abc",
                "sessionId": "def",
                "liveFormat": "chunked-v1",
            },
        ),
        server_ping={"type": "ping"},
        server_pong={"type": "pong"},
    ),
)
