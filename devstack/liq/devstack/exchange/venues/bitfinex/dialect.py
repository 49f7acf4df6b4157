"""Bitfinex: the status channel `liq:global`, whose data carry the number of the channel.

Without configuration flags a frame has two elements (recorded 2020-07-06); we set none.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    key = message["key"]
    if key in refused:
        return Answer(
            [
                {
                    "event": "error",
                    "msg": "key: invalid",
                    "code": 10300,
                    "channel": "status",
                    "key": key,
                }
            ]
        )
    reply = {"event": "subscribed", "channel": "status", "chanId": 91, "key": key}
    return Answer([reply, [91, "hb"]], [key])


def _frame(symbol: str, n: int) -> Any:
    row = ["pos", n, START_MS + n, None, symbol, 0.5, 60000, None, 1, 1, None, 59000]
    return [91, [row]]


DIALECTS: Final = (
    Dialect(
        exchange="bitfinex",
        feed="status",
        setting="BITFINEX_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="tBTCF0:USTF0",
        subscribes="liq:global",
        hello=({"event": "info", "version": 2, "platform": {"status": 1}},),
    ),
)
