"""OKX: `liquidation-orders` by instrument type; both sides ping by text."""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    if message == "pong":
        return Answer()
    names = [argument["instType"] for argument in message["args"]]
    bad = [name for name in names if name in refused]
    if bad:
        return Answer([{"event": "error", "code": "60018", "msg": "no such channel"}])
    replies = [{"event": "subscribe", "arg": a, "connId": "x"} for a in message["args"]]
    return Answer(replies, names)


def _frame(symbol: str, n: int) -> Any:
    detail = {"side": "buy", "posSide": "short", "bkPx": "60000", "sz": "39", "bkLoss": "0",
              "ccy": "", "ts": str(START_MS + n)}  # fmt: skip
    data = {"instId": symbol, "instFamily": "BTC-USDT", "uly": "BTC-USDT", "instType": "SWAP",
            "details": [detail]}  # fmt: skip
    return {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [data]}


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
