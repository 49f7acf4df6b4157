"""OKX: `public/liquidation-orders`, one instrument family per call.

Source: okx.com v5 documentation, "Get liquidation orders", 2026: filled orders of the last day, 40
calls in 2 s and address, 100 rows, newest first; `after` requests rows before a time. According to
a client of 2026, entries equal those of the socket.
"""

from functools import partial
from typing import Any, Final

from liq.producers.feeds import SymbolListing
from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Poll,
    Question,
    Row,
    RowOrder,
    identity,
)
from liq.schemas.units import DAY_MS, SECOND_MS

LIMIT: Final = CallLimit(
    calls=32,
    seconds=2.0,
    source="okx.com v5 documentation: 40 requests in 2 s and address, of which 32 are used",
    as_of="2026-07-01",
)
PAGE_ROWS: Final = 100


def query(kind: str, question: Question) -> dict[str, str]:
    """Return the query for entries of a family up to a time."""
    return {
        "instType": kind,
        "uly": question.subject,
        "state": "filled",
        "after": str(question.to_ms + 1),
        "limit": str(PAGE_ROWS),
    }


def read(document: Any) -> list[Row]:
    """Return the rows of the details of every instrument."""
    if document.get("code") != "0":
        raise ValueError(f"{document.get('code')} {document.get('msg')}")
    return [
        Row(int(detail["ts"]), identity([instrument["instId"], detail]))
        for instrument in document["data"]
        for detail in instrument["details"]
    ]


def parse_families(document: Any) -> tuple[str, ...]:
    """Return the families of the instruments."""
    return tuple({row.get("instFamily") or row["uly"] for row in document["data"]})


def _history(kind: str) -> HistorySpec:
    return HistorySpec(
        exchange="okx",
        feed="public",
        setting="OKX_HISTORY_URL",
        address="https://www.okx.com/api/v5/public/liquidation-orders",
        query=partial(query, kind),
        read=read,
        order=RowOrder.NEWEST_FIRST,
        page_rows=PAGE_ROWS,
        join="every field of the entry",
        limit=LIMIT,
        listing=SymbolListing(
            setting=f"OKX_HISTORY_{kind}_URL",
            address=f"https://www.okx.com/api/v5/public/instruments?instType={kind}",
            parse=parse_families,
        ),
        depth_ms=DAY_MS,
        poll=Poll(feed="public-completion", every_seconds=600, delay_ms=120 * SECOND_MS),
    )


HISTORIES: Final = (_history("SWAP"), _history("FUTURES"))
