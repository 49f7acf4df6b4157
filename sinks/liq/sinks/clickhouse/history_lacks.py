"""Live events that the venue's history lacks. Pure.

One frame of a history has every row of a contract between its first and its last one. A live event
between two events of one frame whose id no event of the history has is missing in the history. Only
histories are compared whose ids are the live ones without a condition.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from liq.schemas.vocabulary import Arrival
from liq.sinks.clickhouse.documents import Document

#: The exchanges whose histories have the live feed's ids. HTX (if numbers are written alike),
#: Bitfinex (the position's id, of several rows) and Hyperliquid (by account) are not among them.
EXACT_JOINS: Final = frozenset({"deribit", "dydx", "gate", "kraken", "lighter", "okx"})
#: Some histories have times in whole seconds, so that an event is up to a second early.
TIME_TOLERANCE_MS: Final = 1_000
_OF_HISTORY: Final = frozenset({Arrival.BACKFILLED.value, Arrival.COMPLETED.value})


class LiveEvent(NamedTuple):
    """A live event's exchange, contract (the venue's symbol), time (UTC, ms) and id."""

    exchange: str
    native_symbol: str
    time_ms: int
    event_id: str


def lacking(late: Sequence[Document], live: Iterable[LiveEvent]) -> list[LiveEvent]:
    """Return the live events that histories lack, among those that arrive after them.

    `late` are documents with an event id, exchange and time, in the log's order.
    """
    known = {document["event_id"] for document in late}
    spans = _spans(late)
    return [
        event
        for event in live
        if event.event_id not in known
        and any(
            first_ms + TIME_TOLERANCE_MS < event.time_ms < last_ms
            for first_ms, last_ms in spans.get((event.exchange, event.native_symbol), ())
        )
    ]


def _spans(late: Sequence[Document]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Map each contract to the first and last time of every frame of its history.

    A batch may end within a frame. The rest has no holes if the frame is in the order of time, so
    other frames are left out.
    """
    frames: dict[tuple[str, str, str], list[int]] = {}
    for document in late:
        exchange = document["exchange"]
        if exchange in EXACT_JOINS and document.get("arrival") in _OF_HISTORY:
            key = exchange, str(document.get("native_symbol")), repr(document.get("source"))
            frames.setdefault(key, []).append(document["timestamp_ms"])
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for (exchange, native_symbol, _), times in frames.items():
        is_rising = all(one <= next_one for one, next_one in pairwise(times))
        is_falling = all(one >= next_one for one, next_one in pairwise(times))
        if is_rising or is_falling:
            found.setdefault((exchange, native_symbol), []).append((min(times), max(times)))
    return found
