"""Bitfinex: `liquidations/hist`, with each row in its own array; three calls a minute."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    return [PastRow(row[2], row[4], [row]) for row in frame[1]]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    first, last = call.number("start"), call.number("end")
    found = [each.row for each in rows if first <= each.time_ms <= last]
    ordered = found if call.query.get("sort") == "1" else found[::-1]
    return ordered[: min(call.number("limit"), 500)]


PASTS: Final = (
    Past(
        exchange="bitfinex",
        feed="status",
        setting="BITFINEX_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=3,
        seconds=60.0,
    ),
)
