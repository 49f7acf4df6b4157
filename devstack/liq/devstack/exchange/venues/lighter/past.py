"""Lighter: `trades`, newest first, with an opaque cursor."""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow


def _rows(frame: Any) -> list[PastRow]:
    return [
        PastRow(row["timestamp"], str(row["market_id"]), row) for row in frame["liquidation_trades"]
    ]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    begin = int(call.query.get("cursor", "c0")[1:])
    end = begin + min(call.number("limit"), 100)
    found = [each.row for each in rows][::-1]
    following = f"c{end}" if end < len(found) else ""
    return {"code": 200, "next_cursor": following, "trades": found[begin:end]}


PASTS: Final = (
    Past(
        exchange="lighter",
        feed="trade",
        setting="LIGHTER_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=60,
        seconds=60.0,
    ),
)
