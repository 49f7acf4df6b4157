"""dYdX: the indexer's `trades/perpetualMarket/{ticker}`, newest first, at most 100 a page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    return [
        PastRow(_time_ms(trade["createdAt"]), frame["id"], {**trade, "createdAtHeight": "7"})
        for trade in frame["contents"]["trades"]
    ]


def _time_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    last = _time_ms(call.query["createdBeforeOrAt"])
    market = call.path.removeprefix("/")
    found = [each.row for each in rows if each.time_ms <= last and each.symbol == market]
    return {"trades": found[::-1][: min(call.number("limit"), 100)]}


def _list_symbols(symbols: Sequence[str]) -> Any:
    return {"markets": {symbol: {"status": "ACTIVE"} for symbol in symbols}}


PASTS: Final = (
    Past(
        exchange="dydx",
        feed="trades",
        setting="DYDX_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=100,
        seconds=10.0,
        listing_setting="DYDX_HISTORY_MARKETS_URL",
        list_symbols=_list_symbols,
    ),
)
