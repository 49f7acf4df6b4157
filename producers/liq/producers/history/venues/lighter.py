"""Lighter: `trades` of the type liquidation, of all markets at once.

Source: apidocs.lighter.xyz, "trades", as public clients of 2026 call it: newest first, a page of
100 and an opaque cursor; a call weighs 600 of 24,000 a minute, and without an account 60 calls a
minute are allowed. Pages begin with the newest trade, not with the requested time.
"""

from typing import Any, Final

from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Question,
    Row,
    RowOrder,
)

PAGE_ROWS: Final = 100


def query(question: Question) -> dict[str, str]:
    """Return the query for a page of liquidations."""
    page = {"cursor": question.cursor} if question.cursor else {}
    return {
        "sort_by": "timestamp",
        "sort_dir": "desc",
        "type": "liquidation",
        "limit": str(PAGE_ROWS),
        **page,
    }


def read(document: Any) -> list[Row]:
    """Return the trades, which may include other types."""
    if document["code"] != 200:  # noqa: PLR2004 - the venue's word for success
        raise ValueError(f"{document['code']} {document.get('message')}")
    return [
        Row(
            row["timestamp"],
            f"{row['market_id']}|{row['trade_id']}",
            row["type"] == "liquidation",
        )
        for row in document["trades"]
    ]


HISTORIES: Final = (
    HistorySpec(
        exchange="lighter",
        feed="trade",
        setting="LIGHTER_HISTORY_URL",
        address="https://mainnet.zklighter.elliot.ai/api/v1/trades",
        query=query,
        read=read,
        order=RowOrder.NEWEST_FIRST,
        page_rows=PAGE_ROWS,
        join="market, trade_id",
        limit=CallLimit(
            calls=30,
            seconds=60.0,
            source="apidocs.lighter.xyz, rate limits: a weight of 600 of 24,000 a minute, 60 calls "
            "a minute without an account, of which half is used",
            as_of="2026-10-01",
        ),
        next_cursor=lambda document, _: document.get("next_cursor") or "",
        is_bounded=False,
    ),
)
