"""HTX: v3 `liquidation_orders` of linear swaps, coin-margined swaps and coin futures.

Source: HTX documentation of the three, "Query Liquidation Orders (New)", 2026: one contract
(futures: one coin) per call, at most two hours of 90 days; with `direct=next` rows are in the order
of time, and `from_id` is the largest `query_id` of the previous page. 120 public requests in 3 s
and address.
"""

from functools import partial
from typing import Any, Final

from liq.producers.feeds import SymbolListing
from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Question,
    Row,
    RowOrder,
)
from liq.schemas.units import DAY_MS, HOUR_MS

REST: Final = "https://api.hbdm.com"
OK: Final = 200
LIMIT: Final = CallLimit(
    calls=60,
    seconds=3.0,
    source="HTX documentation: 120 public requests in 3 s and address, of which half is used",
    as_of="2026-10-01",
)


def query(subject: str, question: Question) -> dict[str, str]:
    """Return the query for the orders of both sides (trade_type 0) of a contract."""
    place = {"from_id": question.cursor} if question.cursor else {}
    return {
        subject: question.subject,
        "trade_type": "0",
        "start_time": str(question.from_ms),
        "end_time": str(question.to_ms),
        "direct": "next",
        **place,
    }


def read(document: Any) -> list[Row]:
    """Return the rows of an answer."""
    if document.get("code") != OK:
        raise ValueError(f"{document.get('code')} {document.get('msg')}")
    return [Row(row["created_at"], str(row["query_id"])) for row in document["data"]]


def next_cursor(document: Any, _question: Question) -> str:
    """Return the largest id of a page."""
    return str(max((row["query_id"] for row in document["data"]), default=""))


def parse_contracts(name: str, document: Any) -> tuple[str, ...]:
    """Return the subjects of the listed contracts: their codes or their coins."""
    return tuple({row[name] for row in document["data"]})


def _history(feed: str, path: str, listing: str, *, subject: str, name: str) -> HistorySpec:
    return HistorySpec(
        exchange="htx",
        feed=feed,
        setting=f"HTX_{feed.upper()}_HISTORY_URL",
        address=f"{REST}{path}",
        query=partial(query, subject),
        read=read,
        order=RowOrder.OLDEST_FIRST,
        page_rows=50,
        join="contract, direction, price, volume, time",
        limit=LIMIT,
        listing=SymbolListing(
            setting=f"HTX_{feed.upper()}_HISTORY_MARKETS_URL",
            address=f"{REST}{listing}",
            parse=partial(parse_contracts, name),
        ),
        longest_ms=2 * HOUR_MS,
        depth_ms=90 * DAY_MS,
        next_cursor=next_cursor,
    )


HISTORIES: Final = (
    _history(
        "linear",
        "/linear-swap-api/v3/swap_liquidation_orders",
        "/linear-swap-api/v1/swap_contract_info?business_type=all",
        subject="contract",
        name="contract_code",
    ),
    _history(
        "inverse",
        "/swap-api/v3/swap_liquidation_orders",
        "/swap-api/v1/swap_contract_info",
        subject="contract",
        name="contract_code",
    ),
    _history(
        "futures",
        "/api/v3/contract_liquidation_orders",
        "/api/v1/contract_contract_info",
        subject="symbol",
        name="symbol",
    ),
)
