"""dYdX v4: the indexer's `trades/perpetualMarket/{ticker}`, one market per call.

Source: docs.dydx.xyz, Indexer HTTP, 2026: newest first, `createdBeforeOrAt`, 100 requests in 10 s
and address; a request asks for 100 trades. Trades have the type and the `id` of the socket. They
do not have the market, which is the request's.
"""

from typing import Any, Final
from urllib.parse import quote

from liq.producers.feeds.venues.dydx import FEEDS
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

PAGE_ROWS: Final = 100
[FEED] = FEEDS


def query(question: Question) -> dict[str, str]:
    """Return the query for the trades up to a time."""
    return {"limit": str(PAGE_ROWS), "createdBeforeOrAt": iso_text(question.to_ms)}


def read(document: Any) -> list[Row]:
    """Return the trades; liquidations have a type."""
    if "errors" in document:
        raise ValueError(str(document["errors"]))
    return [
        Row(iso_ms(row["createdAt"]), row["id"], row["type"] == "LIQUIDATED")
        for row in document["trades"]
    ]


HISTORIES: Final = (
    HistorySpec(
        exchange="dydx",
        feed="trades",
        setting="DYDX_HISTORY_URL",
        address="https://indexer.dydx.trade/v4/trades/perpetualMarket",
        path=lambda question: f"/{quote(question.subject)}",
        query=query,
        read=read,
        order=RowOrder.NEWEST_FIRST,
        page_rows=PAGE_ROWS,
        join="market, id",
        limit=CallLimit(
            calls=50,
            seconds=10.0,
            source="docs.dydx.xyz, Indexer rate limits: 100 requests in 10 s and address, of which "
            "half is used",
            as_of="2026-10-01",
        ),
        listing=renamed(FEED, "DYDX_HISTORY_MARKETS_URL"),
        tells_subject=False,
    ),
)
