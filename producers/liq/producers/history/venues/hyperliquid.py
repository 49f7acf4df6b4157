"""Hyperliquid: `userFillsByTime` of the info endpoint, one account per call.

Source: hyperliquid.gitbook.io, "Info endpoint" and "Rate limits", as its mirrors and public clients
of 2026 state them: a POST; both bounds included; at most 2,000 fills an answer, of the account's
newest 10,000; a call weighs 20, and 1 more for every 20 fills, of 1,200 a minute and address. Which
fills a full answer has is stated in two ways, so its time is requested again in halves. Fills are
those of the socket, with the trade's id.

The accounts are those that `HYPERLIQUID_USERS` names, by default the liquidator vaults. A sensor is
followed for a while only, and its history is not requested: its newest 2,000 fills come with every
subscription.
"""

from typing import Any, Final

from liq.producers.feeds.pieces import pieces
from liq.producers.feeds.venues.hyperliquid import (
    INFO_ADDRESS,
    LIQUIDATOR_VAULTS,
    SNAPSHOT_BYTES,
)
from liq.producers.history.kit import CallLimit, HistorySpec, Question, Row, RowOrder

PAGE_ROWS: Final = 2_000


def query(question: Question) -> dict[str, str | int | bool]:
    """Return the document that asks for an account's fills, each under its own id."""
    return {
        "type": "userFillsByTime",
        "user": question.subject,
        "startTime": question.from_ms,
        "endTime": question.to_ms,
        "aggregateByTime": False,
    }


def read(document: Any) -> list[Row]:
    """Return the fills; both parties' fills of a liquidation have `liquidation`."""
    if type(document) is not list:
        raise ValueError(f"{document!r:.100} is no array of fills")
    return [
        Row(fill["time"], f"{fill['coin']}|{fill['tid']}", fill.get("liquidation") is not None)
        for fill in document
    ]


HISTORIES: Final = (
    HistorySpec(
        exchange="hyperliquid",
        feed="userFills",
        setting="HYPERLIQUID_HISTORY_URL",
        address=INFO_ADDRESS,
        is_posted=True,
        query=query,
        read=read,
        order=RowOrder.UNORDERED,
        page_rows=PAGE_ROWS,
        join="time, coin, tid",
        limit=CallLimit(
            calls=4,
            seconds=60.0,
            source="hyperliquid.gitbook.io, rate limits: a weight of 1,200 a minute and address, "
            "at most 120 a call; 40 % is used, the producer's sensors use as much",
            as_of="2026-11-30",
        ),
        subjects=LIQUIDATOR_VAULTS,
        subjects_setting="HYPERLIQUID_USERS",
        depth_rows=10_000,
        tells_subject=False,
        max_answer_bytes=SNAPSHOT_BYTES,
        split=pieces,
        left_out="sensors were not asked for; their newest 2,000 fills came when they were "
        "subscribed to again",
        left_out_setting="HYPERLIQUID_SENSORS",
    ),
)
