"""CoinEx: `liquidation-history` of a market by pages, as docs.coinex.com documents it in 2026.

The order is not documented: the example begins with the oldest, and so does this one.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import Call, Past, PastRow


def _frame(symbol: str, n: int) -> Any:
    row = {"market": symbol, "side": "long" if n % 2 else "short", "liq_price": "60100",
           "liq_amount": "0.5", "bkr_price": "60000", "created_at": START_MS + n}  # fmt: skip
    return _page([row], has_next=False)


def _page(rows: list[Any], *, has_next: bool) -> Any:
    return {"code": 0, "data": rows, "pagination": {"has_next": has_next}, "message": "OK"}


def _rows(frame: Any) -> list[PastRow]:
    return [PastRow(row["created_at"], row["market"], row) for row in frame["data"]]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    first, last = call.number("start_time"), call.number("end_time")
    end = call.number("page") * call.number("limit")
    found = [
        each.row
        for each in rows
        if each.symbol == call.query["market"] and first <= each.time_ms <= last
    ]
    return _page(found[end - call.number("limit") : end], has_next=len(found) > end)


def _list_markets(symbols: Sequence[str]) -> Any:
    kinds = [*((symbol, "linear") for symbol in symbols), ("BTCUSD", "inverse")]
    return {
        "code": 0,
        "data": [{"market": market, "contract_type": kind} for market, kind in kinds],
        "message": "OK",
    }


PASTS: Final = (
    Past(
        exchange="coinex",
        feed="liquidations",
        setting="COINEX_LIQUIDATIONS_URL",
        rows=_rows,
        answer=_answer,
        calls=400,
        seconds=1.0,
        listing_setting="COINEX_MARKETS_URL",
        list_symbols=_list_markets,
        frame=_frame,
        symbol="BTCUSDT",
    ),
)
