"""Deduplication of imported events against stored ones, by id or by content. Pure.

An archive may write a number with fewer zeros than the venue, which yields another id, because the
id is a digest of the venue's texts. Such an event is recognized by its market, side, time and
amount. Rows from the same archive are compared by id only, because their ids agree.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import ContractKind

Key = tuple[str, str, str, int, Decimal]

_LINEAR: Final = ContractKind.LINEAR.value


class StoredEvent(NamedTuple):
    """The columns of a stored row that identify an event; `origin` is its `raw_topic`."""

    event_id: str
    exchange: str
    native_symbol: str
    side: str
    timestamp_ms: int
    contract: str
    quantity: Decimal
    value_usd: Decimal
    origin: str


def unknown_events(
    events: Sequence[Liquidation], stored: Iterable[StoredEvent], *, brought_by: str
) -> list[Liquidation]:
    """Return the events without a stored row; each row matches one event.

    `brought_by` is the prefix of the origin of rows that the archive itself has inserted.
    """
    wanted = {event.event_id for event in events}
    ids: set[str] = set()
    others: dict[str, Key] = {}
    for row in stored:
        if row.event_id in wanted:
            ids.add(row.event_id)
        elif not row.origin.startswith(brought_by):
            # The table may contain several copies of a row.
            others[row.event_id] = _key_of_row(row)
    left = Counter(others.values())
    fresh = []
    for event in events:
        if event.event_id in ids:
            continue
        key = key_of(event)
        if left[key]:
            left[key] -= 1
        else:
            fresh.append(event)
    return fresh


def key_of(event: Liquidation) -> Key:
    """Return an event's market, side, time and amount, the amount in the venue's own unit."""
    amount = event.quantity if event.contract is ContractKind.LINEAR else event.value_usd
    return event.exchange, event.native_symbol, event.side.value, event.timestamp_ms, amount


def _key_of_row(row: StoredEvent) -> Key:
    amount = row.quantity if row.contract == _LINEAR else row.value_usd
    return row.exchange, row.native_symbol, row.side, row.timestamp_ms, amount


def names_of(events: Collection[Liquidation]) -> tuple[list[str], list[str], int, int]:
    """Return the exchanges and symbols of events, and their first and last time (UTC, ms)."""
    times = [event.timestamp_ms for event in events]
    return (
        sorted({event.exchange for event in events}),
        sorted({event.native_symbol for event in events}),
        min(times),
        max(times),
    )
