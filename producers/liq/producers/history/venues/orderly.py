"""Orderly: `liquidated_positions` of all accounts and markets, polled as the venue's live feed.

Source: orderly.network, REST API, "Get liquidated positions info", 2026: `start_t` and `end_t` in
milliseconds, pages from 1; 10 requests a second and address. A public reader of 2026-09 found that
`meta.total` stops at 500, so that the last page is the first short one.

Open positions: public info API, `platformPositions`, a POST of weight 20 in a budget of 1,200 a
minute and address (two public clients of 2026). The largest positions come first.
"""

from typing import Any, Final

from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Poll,
    Question,
    Row,
    RowOrder,
)
from liq.producers.history.positions import PositionsSpec
from liq.schemas.units import SECOND_MS

PAGE_ROWS: Final = 100
CLAIM: Final = "claim"


def query(question: Question) -> dict[str, str]:
    """Return the query for a page of a time."""
    return {
        "start_t": str(question.from_ms),
        "end_t": str(question.to_ms),
        "page": question.cursor or "1",
        "size": str(PAGE_ROWS),
    }


def read(document: Any) -> list[Row]:
    """Return the rows, one for each liquidation of an account."""
    if document.get("success") is not True:
        raise ValueError(f"{document.get('code')} {document.get('message')}")
    return [
        Row(row["timestamp"], str(row["liquidation_id"]), row.get("type") != CLAIM)
        for row in document["data"]["rows"]
    ]


def next_cursor(document: Any, question: Question) -> str:
    """Return the number of the next page; a short page is the last."""
    is_last = len(document["data"]["rows"]) < PAGE_ROWS
    return "" if is_last else str(int(question.cursor or 1) + 1)


HISTORIES: Final = (
    HistorySpec(
        exchange="orderly",
        feed="liquidations",
        setting="ORDERLY_LIQUIDATIONS_URL",
        address="https://api.orderly.org/v1/public/liquidated_positions",
        query=query,
        read=read,
        order=RowOrder.UNORDERED,
        page_rows=PAGE_ROWS,
        join="liquidation_id, symbol, timestamp",
        limit=CallLimit(
            calls=5,
            seconds=1.0,
            source="orderly.network, REST API: 10 requests a second and address, of which half is "
            "used",
            as_of="2026-10-01",
        ),
        next_cursor=next_cursor,
        poll=Poll(
            feed="liquidations",
            every_seconds=15,
            delay_ms=2 * SECOND_MS,
            is_live=True,
            overlap_ms=60 * SECOND_MS,
        ),
    ),
)
POSITIONS: Final = (
    PositionsSpec(
        exchange="orderly",
        setting="ORDERLY_POSITIONS_URL",
        address="https://api.orderly.org/v1/public/query",
        body=b'{"type":"platformPositions","limit":1000}',
        limit=CallLimit(
            calls=6,
            seconds=60.0,
            source="orderly.network, public info API: a weight of 20 of 1,200 a minute and "
            "address, of which a tenth is used",
            as_of="2026-10-01",
        ),
        every_seconds=60,
    ),
)
