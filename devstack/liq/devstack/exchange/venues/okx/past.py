"""OKX: `public/liquidation-orders` of a family, newest first, before the time `after`."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    return [
        PastRow(int(detail["ts"]), each["instId"], {**each, "totalLoss": "0", "details": [detail]})
        for each in frame["data"]
        for detail in each["details"]
    ]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    if call.query["state"] != "filled" or "uly" not in call.query:
        return {"code": "51000", "msg": "Parameter error", "data": []}
    wanted = (call.query["instType"], call.query["uly"])
    found = [
        each.row
        for each in rows
        if each.time_ms < call.number("after") and (each.row["instType"], each.row["uly"]) == wanted
    ]
    return {"code": "0", "msg": "", "data": found[::-1][: min(call.number("limit"), 100)]}


def _list_symbols(symbols: Sequence[str]) -> Any:
    families = [symbol.rpartition("-")[0] for symbol in symbols if symbol.endswith("-SWAP")]
    return {"code": "0", "data": [{"instId": "x", "instFamily": family} for family in families]}


PASTS: Final = (
    Past(
        exchange="okx",
        feed="public",
        setting="OKX_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=40,
        seconds=2.0,
        listing_setting="OKX_HISTORY_SWAP_URL",
        list_symbols=_list_symbols,
    ),
)
