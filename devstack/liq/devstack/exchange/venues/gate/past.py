"""Gate: `liq_orders`. The size is the position's, times are seconds; measured on 2026-08-11.

An answer has at most an hour and a thousand rows. Their order is not documented; here the newest
is first.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    order = frame["result"]
    row = {"time": order["time"] // 1_000, "contract": order["contract"], "size": -order["size"],
           "order_size": order["size"], "order_price": order["price"],
           "fill_price": "64300.1", "left": 0}  # fmt: skip
    return [PastRow(order["time"], order["contract"], row)]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    first, last = call.number("from"), call.number("to")
    if last - first > 3_600:  # noqa: PLR2004 - as measured
        return {"label": "INVALID_PARAM_VALUE", "message": "range too long"}
    found = [each.row for each in rows if first <= each.row["time"] <= last]
    return found[::-1][: min(call.number("limit"), 1_000)]


def _past(settle: str) -> Past:
    return Past(
        exchange="gate",
        feed=settle,
        setting=f"GATE_{settle.upper()}_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=200,
        seconds=10.0,
    )


PASTS: Final = (_past("usdt"), _past("btc"))
