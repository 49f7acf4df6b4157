"""OKX: `liquidation-orders` by instrument type; both sides ping by text.

Data and acknowledgements, one an argument with the number of the connection, as measured
2026-08-11.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

CHANNEL: Final = "liquidation-orders"
CONNECTION: Final = "a4d3ae55"


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    if message == "pong":
        return Answer()
    names = [argument["instType"] for argument in message["args"]]
    bad = [name for name in names if name in refused]
    if bad:
        detail = f"Wrong URL or channel:{CHANNEL},instType:{bad[0]} doesn't exist."
        return Answer([{"event": "error", "code": "60018", "msg": detail, "connId": CONNECTION}])
    replies = [{"event": "subscribe", "arg": a, "connId": CONNECTION} for a in message["args"]]
    return Answer(replies, names)


def _frame(symbol: str, n: int) -> Any:
    detail = {"bkLoss": "0", "bkPx": "60000", "ccy": "", "posSide": "short", "side": "buy",
              "sz": "39", "ts": str(START_MS + n)}  # fmt: skip
    family, _, last = symbol.rpartition("-")
    kind = "SWAP" if last == "SWAP" else "FUTURES"
    data = {"details": [detail], "instFamily": family, "instId": symbol, "instType": kind,
            "uly": family}  # fmt: skip
    return {"arg": {"channel": CHANNEL, "instType": kind}, "data": [data]}


DIALECTS: Final = (
    Dialect(
        exchange="okx",
        feed="public",
        setting="OKX_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC-USDT-SWAP",
        subscribes="SWAP",
        client_ping="ping",
        client_pong="pong",
        server_ping="ping",
        server_pong="pong",
    ),
)
