"""Paradex: `trades` of a market, newest first, as docs.paradex.trade documents it in 2026.

A page has at most 1,000 rows, and `next` the cursor of the one after it. Between liquidations the
tape has ordinary trades.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import Call, Past, PastRow

MOST_ROWS: Final = 1_000


def _frame(symbol: str, n: int) -> Any:
    row = {"id": str(n), "market": symbol, "side": "SELL", "size": "0.5", "price": "60000",
           "created_at": START_MS + n, "trade_type": "LIQUIDATION"}  # fmt: skip
    other = {**row, "id": f"{n}0", "trade_type": "FILL"}
    return {"next": None, "prev": None, "results": [other, row]}


def _rows(frame: Any) -> list[PastRow]:
    return [PastRow(row["created_at"], row["market"], row) for row in frame["results"]]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    begin = int(call.query.get("cursor", "c0")[1:])
    end = begin + min(call.number("page_size"), MOST_ROWS)
    first, last = call.number("start_at"), call.number("end_at")
    found = [
        each.row
        for each in rows
        if each.symbol == call.query["market"] and first <= each.time_ms <= last
    ][::-1]
    following = f"c{end}" if end < len(found) else None
    return {"next": following, "prev": None, "results": found[begin:end]}


def _list_markets(symbols: Sequence[str]) -> Any:
    kinds = [*((symbol, "PERP") for symbol in symbols), ("BTC-USD-31DEC26-100000-C", "OPTION")]
    return {"results": [{"symbol": symbol, "asset_kind": kind} for symbol, kind in kinds]}


PASTS: Final = (
    Past(
        exchange="paradex",
        feed="trades",
        setting="PARADEX_TRADES_URL",
        rows=_rows,
        answer=_answer,
        calls=25,
        seconds=1.0,
        listing_setting="PARADEX_MARKETS_URL",
        list_symbols=_list_markets,
        frame=_frame,
        symbol="BTC-USD-PERP",
    ),
)
