"""Bitfinex: `liquidations/hist`, of all symbols at once.

Source: docs.bitfinex.com, "Liquidations", 2026: 3 calls a minute, 500 rows, several years;
`sort=1` is oldest first. An answer is an array of arrays of one row.
"""

from typing import Any, Final

from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Question,
    Row,
    RowOrder,
    identity,
)

PAGE_ROWS: Final = 500
TIME: Final = 2


def query(question: Question) -> dict[str, str]:
    """Return the query for a time, oldest rows first."""
    return {
        "start": str(question.from_ms),
        "end": str(question.to_ms),
        "limit": str(PAGE_ROWS),
        "sort": "1",
    }


def read(document: Any) -> list[Row]:
    """Return the rows of an answer; an error is `["error", CODE, TEXT]`."""
    if document and document[0] == "error":
        raise ValueError(" ".join(map(str, document[1:])))
    rows = [part[0] for part in document]
    return [Row(int(row[TIME]), identity(row)) for row in rows]


HISTORIES: Final = (
    HistorySpec(
        exchange="bitfinex",
        feed="status",
        setting="BITFINEX_HISTORY_URL",
        address="https://api-pub.bitfinex.com/v2/liquidations/hist",
        query=query,
        read=read,
        order=RowOrder.OLDEST_FIRST,
        page_rows=PAGE_ROWS,
        join="POS_ID",
        limit=CallLimit(
            calls=3,
            seconds=60.0,
            source="docs.bitfinex.com, liquidations: 3 requests a minute",
            as_of="2026-10-01",
        ),
    ),
)
