"""Bitget v3: `liquidation` by product type, each argument answered by itself.

Data as recorded 2026-04-28, whose `amount` is in the quote coin; refusals as documented 2026.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    replies, subscribed = [], []
    for argument in message["args"]:
        if argument["instType"] in refused:
            refusal = {"code": "30001", "msg": "channel does not exist"}
            replies.append({"event": "error", "arg": argument, **refusal})
        else:
            replies.append({"event": "subscribe", "arg": argument})
            subscribed.append(argument["instType"])
    return Answer(replies, subscribed)


def _frame(symbol: str, n: int) -> Any:
    row = {"symbol": symbol, "side": "buy" if n % 2 else "sell", "price": "0.1649",
           "amount": "13.70319", "ts": str(START_MS + n)}  # fmt: skip
    argument = {"instType": "usdt-futures", "topic": "liquidation"}
    return {"action": "update", "arg": argument, "data": [row], "ts": START_MS + n}


DIALECTS: Final = (
    Dialect(
        exchange="bitget",
        feed="liquidation",
        setting="BITGET_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTCUSDT",
        subscribes="usdt-futures",
        client_ping="ping",
        client_pong="pong",
    ),
)
