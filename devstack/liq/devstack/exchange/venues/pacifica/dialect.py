"""Pacifica: `trades` of a market, each with its cause.

Trades as recorded 2025-12-06, with the cause of a liquidation; answers as documented 2026.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    name = message["params"]["symbol"]
    if name in refused:
        return Answer([{"channel": "error", "error": "no such symbol"}])
    return Answer([{"channel": "subscribe", "data": message["params"]}], [name])


def _frame(symbol: str, n: int) -> Any:
    row = {"h": n, "s": symbol, "a": "0.1", "p": "60000", "d": "close_long",
           "tc": "market_liquidation", "t": START_MS + n, "li": n}  # fmt: skip
    return {"channel": "trades", "data": [row]}


def _list_markets(symbols: Sequence[str]) -> Any:
    return {"data": [{"symbol": symbol} for symbol in symbols]}


DIALECTS: Final = (
    Dialect(
        exchange="pacifica",
        feed="trades",
        setting="PACIFICA_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC",
        subscribes="BTC",
        listing_setting="PACIFICA_SYMBOLS_URL",
        list_markets=_list_markets,
        client_ping={"method": "ping"},
        client_pong={"channel": "pong"},
    ),
)
