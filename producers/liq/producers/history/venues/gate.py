"""Gate: `liq_orders`, of all contracts of a settlement currency at once.

Source: gate.io, Futures API v4, "List liquidation history", and measured on 2026-08-11: times are
whole seconds; `from` and `to` are at most an hour apart; `from` alone is no cursor, so a full
answer's time is requested again in halves; two weeks were available. The history had 40 orders
where the socket had 32.
"""

from typing import Any, Final

from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Poll,
    Question,
    Row,
    RowOrder,
    identity,
    seconds_of,
)
from liq.schemas.units import DAY_MS, HOUR_MS, SECOND_MS

LIMIT: Final = CallLimit(
    calls=100,
    seconds=10.0,
    source="gate.com API v4, limits: 200 public requests in 10 s and endpoint; half is used",
    as_of="2026-10-01",
)
PAGE_ROWS: Final = 1_000


def query(question: Question) -> dict[str, str]:
    """Return the query for whole seconds, both bounds included."""
    return {
        "from": str(question.from_ms // SECOND_MS),
        "to": str(question.to_ms // SECOND_MS),
        "limit": str(PAGE_ROWS),
    }


def read(document: Any) -> list[Row]:
    """Return the rows of an array of orders; an error is an object."""
    if type(document) is dict:
        raise ValueError(str(document.get("message") or document.get("label")))
    return [Row(seconds_of(row["time"]), identity(row)) for row in document]


def _history(settle: str) -> HistorySpec:
    return HistorySpec(
        exchange="gate",
        feed=settle,
        setting=f"GATE_{settle.upper()}_HISTORY_URL",
        address=f"https://api.gateio.ws/api/v4/futures/{settle}/liq_orders",
        query=query,
        read=read,
        order=RowOrder.UNORDERED,
        page_rows=PAGE_ROWS,
        join="contract, second, size, price: 6 of 6 orders of 2026-08-11",
        limit=LIMIT,
        longest_ms=HOUR_MS - SECOND_MS,
        depth_ms=14 * DAY_MS,
        unit_ms=SECOND_MS,
        poll=Poll(feed=f"{settle}-completion", every_seconds=300, delay_ms=120 * SECOND_MS),
    )


HISTORIES: Final = (_history("usdt"), _history("btc"))
