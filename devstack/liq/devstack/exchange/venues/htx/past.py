"""HTX: v3 `liquidation_orders`; `direct=next` pages by `from_id`, at most two hours per call."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow

PAGE: Final = 50


def _rows(frame: Any) -> list[PastRow]:
    return [
        PastRow(row["created_at"], row["contract_code"], {"query_id": row["created_at"], **row})
        for row in frame["data"]
    ]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    first, last = call.number("start_time"), call.number("end_time")
    if last - first > 7_200_000:  # noqa: PLR2004 - as documented
        return {"code": 1030, "msg": "range too long", "ts": last}
    after = int(call.query.get("from_id", 0))
    wanted = call.query.get("contract") or call.query.get("symbol")
    found = [
        each.row
        for each in rows
        if first <= each.time_ms <= last
        and each.row["query_id"] > after
        and wanted in {each.row["contract_code"], each.row["symbol"]}
    ]
    return {"code": 200, "msg": "", "data": found[:PAGE], "ts": last}


def _list_symbols(symbols: Sequence[str]) -> Any:
    return {"status": "ok", "data": [{"contract_code": each, "symbol": "BTC"} for each in symbols]}


def _past(feed: str) -> Past:
    return Past(
        exchange="htx",
        feed=feed,
        setting=f"HTX_{feed.upper()}_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=120,
        seconds=3.0,
        listing_setting=f"HTX_{feed.upper()}_HISTORY_MARKETS_URL",
        list_symbols=_list_symbols,
    )


PASTS: Final = (_past("linear"), _past("inverse"), _past("futures"))
