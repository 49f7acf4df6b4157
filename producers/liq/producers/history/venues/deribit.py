"""Deribit: `public/get_last_trades_by_currency_and_time`, futures of one currency a call.

Source: docs.deribit.com, 2026: 1,000 trades a call, `sorting=asc`; trades have the `liquidation`
flag and the `trade_id` of the socket. Public requests cost 500 credits of 50,000, refilled by
10,000 a second: 20 a second, of which we use a quarter. The depth of the history is not
documented.
"""

from typing import Any, Final

from liq.producers.history.kit import (
    CallLimit,
    HistorySpec,
    Question,
    Row,
    RowOrder,
)

PAGE_ROWS: Final = 1_000


def query(question: Question) -> dict[str, str]:
    """Return the query for the trades of a time, oldest first."""
    return {
        "currency": question.subject,
        "kind": "future",
        "start_timestamp": str(question.from_ms),
        "end_timestamp": str(question.to_ms),
        "count": str(PAGE_ROWS),
        "sorting": "asc",
    }


def read(document: Any) -> list[Row]:
    """Return the trades; those with a liquidated party are flagged."""
    if "error" in document:
        raise ValueError(str(document["error"].get("message")))
    return [
        Row(row["timestamp"], f"{row['instrument_name']}|{row['trade_id']}", "liquidation" in row)
        for row in document["result"]["trades"]
    ]


HISTORIES: Final = (
    HistorySpec(
        exchange="deribit",
        feed="trades",
        setting="DERIBIT_HISTORY_URL",
        address="https://www.deribit.com/api/v2/public/get_last_trades_by_currency_and_time",
        query=query,
        read=read,
        order=RowOrder.OLDEST_FIRST,
        page_rows=PAGE_ROWS,
        join="trade_id",
        limit=CallLimit(
            calls=5,
            seconds=1.0,
            source="docs.deribit.com, rate limits: 20 public requests a second",
            as_of="2026-10-01",
        ),
        subjects=("BTC", "ETH", "USDC", "USDT", "EURR"),
    ),
)
