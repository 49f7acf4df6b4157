"""Kraken Futures: `history`, one product per call.

Source: docs.kraken.com, "Get trade history", 2026, and measured on 2026-09-07: 100 trades up to
`lastTime`, newest first, some days deep; REST writes "partial liquidation" as two words; `uid` is
the socket's. The product is the request's.
"""

from typing import Any, Final

from liq.producers.feeds.venues.kraken import FEEDS
from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Question,
    Row,
    RowOrder,
    iso_ms,
    iso_text,
    renamed,
)
from liq.schemas.units import DAY_MS

PAGE_ROWS: Final = 100
[FEED] = FEEDS


def query(question: Question) -> dict[str, str]:
    """Return the query for the trades up to a time."""
    return {"symbol": question.subject, "lastTime": iso_text(question.to_ms + 1)}


def read(document: Any) -> list[Row]:
    """Return the trades; liquidations have a type."""
    if document.get("result") != "success":
        raise ValueError(str(document.get("error")))
    return [
        Row(iso_ms(row["time"]), row["uid"], row["type"].endswith("iquidation"))
        for row in document["history"]
    ]


HISTORIES: Final = (
    HistorySpec(
        exchange="kraken",
        feed="trade",
        setting="KRAKEN_HISTORY_URL",
        address="https://futures.kraken.com/derivatives/api/v3/history",
        query=query,
        read=read,
        order=RowOrder.NEWEST_FIRST,
        page_rows=PAGE_ROWS,
        join="product, uid",
        limit=CallLimit(
            calls=5,
            seconds=1.0,
            source="docs.kraken.com, futures rate limits, as a public client of 2026 states them: "
            "100 requests a second; a twentieth of it is used",
            as_of="2026-10-01",
        ),
        listing=renamed(FEED, "KRAKEN_HISTORY_MARKETS_URL"),
        depth_ms=3 * DAY_MS,
        tells_subject=False,
    ),
)
