"""Kraken Futures: `trade` of products that the venue lists.

Of 39 liquidation trades that were seen on 2026-09-07, 38 had the type `partialLiquidation` and one
`liquidation`; frames follow them. The first data of a product are a snapshot of past trades.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

# One in so many liquidation trades is a whole liquidation.
WHOLE_EVERY: Final = 39


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    names = message["product_ids"]
    if refused & set(names):
        return Answer([{"event": "error", "message": "Invalid product id"}])
    past = [
        {"feed": "trade_snapshot", "product_id": name, "trades": [_trade(name, 0, "fill")]}
        for name in names
    ]
    return Answer([{"event": "subscribed", "feed": "trade", "product_ids": names}], names, past)


def _frame(symbol: str, n: int) -> Any:
    return _trade(symbol, n, "partialLiquidation" if n % WHOLE_EVERY else "liquidation")


def _trade(symbol: str, n: int, kind: str) -> dict[str, Any]:
    return {"feed": "trade", "product_id": symbol, "uid": f"3ee209b8-0000-4000-8000-{n:012}",
            "side": "sell", "type": kind, "seq": n, "time": START_MS + n, "qty": 100,
            "price": 60000}  # fmt: skip


def _list_markets(symbols: Sequence[str]) -> Any:
    return {"instruments": [{"symbol": symbol, "tradeable": True} for symbol in symbols]}


DIALECTS: Final = (
    Dialect(
        exchange="kraken",
        feed="trade",
        setting="KRAKEN_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="PI_XBTUSD",
        subscribes="PI_XBTUSD",
        hello=({"event": "info", "version": 1},),
        listing_setting="KRAKEN_SYMBOLS_URL",
        list_markets=_list_markets,
    ),
)
