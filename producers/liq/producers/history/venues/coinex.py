"""CoinEx: `liquidation-history`, one linear market per call, polled as the venue's live feed.

Source: docs.coinex.com, API v2, "Get Market Liquidation History" and "Rate Limit", 2026: times in
milliseconds, pages from 1 with `has_next`; 400 requests a second and address. The order of rows is
not documented.
"""

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
from liq.schemas.units import SECOND_MS

PAGE_ROWS: Final = 100
LINEAR: Final = "linear"


def query(question: Question) -> dict[str, str]:
    """Return the query for a page of a market's time."""
    return {
        "market": question.subject,
        "start_time": str(question.from_ms),
        "end_time": str(question.to_ms),
        "page": question.cursor or "1",
        "limit": str(PAGE_ROWS),
    }


def read(document: Any) -> list[Row]:
    """Return the rows of an answer."""
    if document.get("code") != 0:
        raise ValueError(f"{document.get('code')} {document.get('message')}")
    return [Row(row["created_at"], identity(row)) for row in document["data"]]


def next_cursor(document: Any, question: Question) -> str:
    """Return the number of the next page, if there is one."""
    has_next = document["pagination"]["has_next"]
    return str(int(question.cursor or 1) + 1) if has_next is True else ""


def parse_markets(document: Any) -> tuple[str, ...]:
    """Return the linear markets."""
    return tuple(row["market"] for row in document["data"] if row.get("contract_type") == LINEAR)


HISTORIES: Final = (
    HistorySpec(
        exchange="coinex",
        feed="liquidations",
        setting="COINEX_LIQUIDATIONS_URL",
        address="https://api.coinex.com/v2/futures/liquidation-history",
        query=query,
        read=read,
        order=RowOrder.UNORDERED,
        page_rows=PAGE_ROWS,
        join="every field of the row",
        limit=CallLimit(
            calls=40,
            seconds=1.0,
            source="docs.coinex.com, API v2, rate limit: 400 requests a second and address, of "
            "which a tenth is used",
            as_of="2026-10-01",
        ),
        listing=SymbolListing(
            setting="COINEX_MARKETS_URL",
            address="https://api.coinex.com/v2/futures/market",
            parse=parse_markets,
        ),
        next_cursor=next_cursor,
        poll=Poll(
            feed="liquidations",
            every_seconds=30,
            delay_ms=2 * SECOND_MS,
            is_live=True,
            overlap_ms=60 * SECOND_MS,
        ),
    ),
)
