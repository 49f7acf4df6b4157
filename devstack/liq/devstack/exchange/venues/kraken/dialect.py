"""Kraken Futures: `trade` of products that the venue lists."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    names = message["product_ids"]
    if refused & set(names):
        return Answer([{"event": "alert", "message": "Bad request"}])
    return Answer([{"event": "subscribed", "feed": "trade", "product_ids": names}], names)


def _frame(symbol: str, n: int) -> Any:
    return {"feed": "trade", "product_id": symbol, "uid": f"u{n}", "side": "sell",
            "type": "liquidation", "seq": n, "time": START_MS + n, "qty": 100,
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
