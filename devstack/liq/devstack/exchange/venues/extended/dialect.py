"""Extended: `publicTrades` of all markets, to whoever connects.

The address is the subscription, and a client sends nothing (api.docs.extended.exchange, "Trades
stream", 2026). `seq` counts the messages of a connection there, and the frames here.
"""

from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(_message: Any, _refused: frozenset[str]) -> Answer:
    return Answer()


def _frame(symbol: str, n: int) -> Any:
    time_ms = START_MS + n
    row = {"m": symbol, "S": "SELL", "tT": "LIQUIDATION", "T": time_ms, "p": "25670", "q": "0.1",
           "i": n}  # fmt: skip
    return {"ts": time_ms, "data": [row], "seq": n}


DIALECTS: Final = (
    Dialect(
        exchange="extended",
        feed="trades",
        setting="EXTENDED_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC-USD",
        subscribes="publicTrades",
        opens_with=("publicTrades",),
    ),
)
