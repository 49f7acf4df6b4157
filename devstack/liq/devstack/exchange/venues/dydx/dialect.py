"""dYdX v4: `v4_trades` of a market, acknowledged with trades of the past."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import Answer, Dialect


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    name = message["id"]
    if name in refused:
        return Answer([{"type": "error", "message": f"Invalid subscription id {name}"}])
    # The acknowledgement carries data; `server.py` notes it in its ledger.
    reply = {"type": "subscribed", "channel": "v4_trades", "id": name, "contents": {"trades": []}}
    return Answer([reply], [name])


def _frame(symbol: str, n: int) -> Any:
    trade = {"id": f"t{n}", "side": "SELL", "size": "3.9", "price": "22.87", "type": "LIQUIDATED",
             "createdAt": "2026-07-04T07:34:50.628Z"}  # fmt: skip
    return {"type": "channel_data", "channel": "v4_trades", "id": symbol,
            "contents": {"trades": [trade]}}  # fmt: skip


def _list_markets(symbols: Sequence[str]) -> Any:
    trading = {symbol: {"status": "ACTIVE"} for symbol in symbols}
    return {"markets": {**trading, "X": {"status": "PAUSED"}}}


DIALECTS: Final = (
    Dialect(
        exchange="dydx",
        feed="trades",
        setting="DYDX_WS_URL",
        respond=_respond,
        frame=_frame,
        symbol="BTC-USD",
        subscribes="BTC-USD",
        hello=({"type": "connected", "connection_id": "x"},),
        listing_setting="DYDX_SYMBOLS_URL",
        list_markets=_list_markets,
    ),
)
