"""Paradex: `trades`, one perpetual per call, polled as the venue's live feed.

Source: docs.paradex.trade, "Trade tape", "List available markets" and "Rate limits", 2026: times in
milliseconds, newest first, at most 1,000 rows, and a cursor `next`; 1,500 public requests a minute
and address. The tape has every trade; an answer without a liquidation is not published.
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
)
from liq.schemas.units import SECOND_MS

PAGE_ROWS: Final = 1_000
LIQUIDATION: Final = "LIQUIDATION"
PERPETUAL: Final = "PERP"


def query(question: Question) -> dict[str, str]:
    """Return the query for a page of a market's time."""
    page = {"cursor": question.cursor} if question.cursor else {}
    return {
        "market": question.subject,
        "start_at": str(question.from_ms),
        "end_at": str(question.to_ms),
        "page_size": str(PAGE_ROWS),
        **page,
    }


def read(document: Any) -> list[Row]:
    """Return the trades; liquidations have a type."""
    if "results" not in document:
        raise ValueError(f"{document.get('error')} {document.get('message')}")
    return [
        Row(row["created_at"], f"{row['trade_type']}|{row['id']}", row["trade_type"] == LIQUIDATION)
        for row in document["results"]
    ]


def parse_markets(document: Any) -> tuple[str, ...]:
    """Return the perpetuals."""
    return tuple(row["symbol"] for row in document["results"] if row.get("asset_kind") == PERPETUAL)


HISTORIES: Final = (
    HistorySpec(
        exchange="paradex",
        feed="trades",
        setting="PARADEX_TRADES_URL",
        address="https://api.prod.paradex.trade/v1/trades",
        query=query,
        read=read,
        order=RowOrder.NEWEST_FIRST,
        page_rows=PAGE_ROWS,
        join="market, id",
        limit=CallLimit(
            calls=12,
            seconds=1.0,
            source="docs.paradex.trade, rate limits: 1,500 public requests a minute and address, "
            "of which half is used",
            as_of="2026-10-01",
        ),
        listing=SymbolListing(
            setting="PARADEX_MARKETS_URL",
            address="https://api.prod.paradex.trade/v1/markets",
            parse=parse_markets,
        ),
        next_cursor=lambda document, _: document.get("next") or "",
        poll=Poll(
            feed="trades",
            every_seconds=30,
            delay_ms=2 * SECOND_MS,
            is_live=True,
            overlap_ms=10 * SECOND_MS,
        ),
    ),
)
