"""Kraken: `history` of a product, newest first; REST writes a type as separate words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    time = datetime.fromtimestamp(frame["time"] / 1_000, UTC)
    kind = frame["type"].replace("partialLiquidation", "partial liquidation")
    row = {"time": time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", "trade_id": frame["seq"],
           "price": frame["price"], "size": frame["qty"], "side": frame["side"], "type": kind,
           "uid": frame["uid"]}  # fmt: skip
    return [PastRow(frame["time"], frame["product_id"], row)]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    last = datetime.fromisoformat(call.query["lastTime"]).timestamp() * 1_000
    symbol = call.query["symbol"]
    found = [each.row for each in rows if each.time_ms < last and each.symbol == symbol]
    return {"result": "success", "history": found[::-1][:100]}


def _list_symbols(symbols: Sequence[str]) -> Any:
    return {"instruments": [{"symbol": symbol, "tradeable": True} for symbol in symbols]}


PASTS: Final = (
    Past(
        exchange="kraken",
        feed="trade",
        setting="KRAKEN_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=100,
        seconds=1.0,
        listing_setting="KRAKEN_HISTORY_MARKETS_URL",
        list_symbols=_list_symbols,
    ),
)
