"""dYdX v4: `v4_trades` of a market, acknowledged with trades of the past.

Messages as recorded 2024-08-04; the first of a market carries its history.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect

CONNECTION: Final = {"connection_id": "9011edff-d8f7-47fc-bbc6-0c7b5ba7dfae"}


def _respond(message: Any, refused: frozenset[str]) -> Answer:
    name = message["id"]
    if name in refused:
        detail = f"Invalid subscription id for channel: (v4_trades-{name})"
        return Answer([{"type": "error", "message": detail, **CONNECTION, "message_id": 1}])
    past = {**_trade(0, "LIMIT"), "createdAtHeight": "21973338"}
    reply = {"type": "subscribed", **CONNECTION, "message_id": 1, "channel": "v4_trades",
             "id": name, "contents": {"trades": [past]}}  # fmt: skip
    return Answer(subscribed=[name], data=[reply])


def _frame(symbol: str, n: int) -> Any:
    return {"type": "channel_data", **CONNECTION, "message_id": n + 1, "channel": "v4_trades",
            "id": symbol, "version": "2.1.0",
            "contents": {"trades": [_trade(n, "LIQUIDATED")]}}  # fmt: skip


def _trade(n: int, kind: str) -> dict[str, str]:
    created = datetime.fromtimestamp((START_MS + n) / 1_000, UTC)
    return {"id": f"{n:024x}", "side": "SELL", "size": "3.9", "price": "22.87", "type": kind,
            "createdAt": created.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"}  # fmt: skip


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
        hello=({"type": "connected", **CONNECTION, "message_id": 0},),
        listing_setting="DYDX_SYMBOLS_URL",
        list_markets=_list_markets,
    ),
)
