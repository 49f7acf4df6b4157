"""Hyperliquid: `userFillsByTime`, of an account's newest 10,000 fills the oldest 2,000 of a time.

The limit is a weight of 1,200 a minute; every call counts as one of a full answer, 120.
"""

from collections.abc import Sequence
from typing import Any, Final

from liq.devstack.exchange.past import Call, Past, PastRow
from liq.devstack.exchange.venues.hyperliquid.dialect import USER

PAGE_ROWS: Final = 2_000
NEWEST_ROWS: Final = 10_000


def _rows(frame: Any) -> list[PastRow]:
    data = frame["data"]
    return [PastRow(fill["time"], data["user"], fill) for fill in data["fills"]]


def _answer(rows: Sequence[PastRow], call: Call) -> Any:
    if (call.query["type"], call.query["aggregateByTime"]) != ("userFillsByTime", "False"):
        return "unknown request"
    newest = [each for each in rows if each.symbol == call.query["user"]][-NEWEST_ROWS:]
    first, last = call.number("startTime"), call.number("endTime")
    return [each.row for each in newest if first <= each.time_ms <= last][:PAGE_ROWS]


PASTS: Final = (
    Past(
        exchange="hyperliquid",
        feed="userFills",
        setting="HYPERLIQUID_HISTORY_URL",
        rows=_rows,
        answer=_answer,
        calls=10,
        seconds=60.0,
        settings={"HYPERLIQUID_USERS": USER, "HYPERLIQUID_SENSORS": "0"},
    ),
)
