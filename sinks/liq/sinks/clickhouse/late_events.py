"""Late copies of live events, which must not replace them.

An import or a history may publish an event that the live feed has already published. ClickHouse
keeps the row that is inserted last, so the sink skips a late copy of a live row, which would lose
its arrival. It does insert a live copy of a late row, because `live` takes precedence. The sink
counts and logs a late copy that contradicts the live row in side, price or size, and live events
that the history lacks (`history_lacks`).
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, DecimalException
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from liq.runtime.logs import get_logger
from liq.runtime.metrics import COMPLETED, HISTORY_DIFFERS, HISTORY_LACKS
from liq.schemas.codec import DecodeError
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS
from liq.schemas.vocabulary import Arrival
from liq.sinks.batch import Delivered
from liq.sinks.clickhouse.documents import Document, parse_json
from liq.sinks.clickhouse.encoding import IsStored
from liq.sinks.clickhouse.history_lacks import TIME_TOLERANCE_MS, LiveEvent, lacking
from liq.sinks.clickhouse.tables import LIQUIDATIONS, Table

#: The form of our own writers: a fast test that recognizes nearly every live record.
LIVE_MARK: Final = b'"arrival":"live"'
MAX_LOGGED_IDS: Final = 20
_LIVE: Final = Arrival.LIVE.value
_QUESTION: Final = """
SELECT
    event_id, side, price, quantity,
    exchange, native_symbol, toUnixTimestamp64Milli(timestamp) AS time_ms
FROM liquidations
WHERE timestamp >= fromUnixTimestamp64Milli({first:Int64})
    AND timestamp <= fromUnixTimestamp64Milli({last:Int64})
    AND exchange IN {exchanges:Array(String)} AND arrival = 'live'
"""

log = get_logger(__name__)


class Said(NamedTuple):
    """An event's fields to compare, without its time, which a history may cut to the second."""

    side: str
    price: Decimal
    quantity: Decimal


def late_copies(
    clients: Sequence[Client], table: Table, records: Sequence[Delivered]
) -> IsStored | None:
    """Return a test for late copies of live events; None if no record is late. Blocks.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    if table is not LIQUIDATIONS or all(LIVE_MARK in (each.value or b"") for each in records):
        return None
    documents = _documents(records)
    late = [each for each in documents if is_late(each)]
    if not late:
        return None
    of_batch = [each for each in documents if not is_late(each)]
    live = {each["event_id"]: _said(each) for each in of_batch}
    places = {_place(each) for each in of_batch}
    times = [each["timestamp_ms"] for each in late]
    parameters: dict[str, Any] = {
        "first": min(times) - TIME_TOLERANCE_MS,
        "last": max(times) + TIME_TOLERANCE_MS,
        "exchanges": sorted({each["exchange"] for each in late}),
    }
    for client in clients:
        rows = client.query(_QUESTION, parameters).result_rows
        for name, side, price, quantity, exchange, native_symbol, time_ms in rows:
            live[name] = Said(side, price, quantity)
            places.add(LiveEvent(exchange, native_symbol, time_ms, name))
    _report_differences(late, live)
    _report_lacking(lacking(late, places))
    _count_completed(late, live)

    def is_stored(_: Delivered, document: Document) -> bool:
        return is_late(document) and document.get("event_id") in live

    return is_stored


def _report_differences(late: Sequence[Document], live: Mapping[str, Said | None]) -> None:
    """Count and log the late copies that contradict their live event."""
    for document in late:
        said, seen = _said(document), live.get(document["event_id"])
        if said is not None and seen is not None and said != seen:
            HISTORY_DIFFERS.labels(document["exchange"]).inc()
            log.warning(
                "history_differs",
                exchange=document["exchange"],
                event_id=document["event_id"],
                arrival=document.get("arrival"),
                live=[str(each) for each in seen],
                late=[str(each) for each in said],
            )


def _report_lacking(events: Sequence[LiveEvent]) -> None:
    """Count and log the live events that a history lacks."""
    for exchange in sorted({event.exchange for event in events}):
        names = sorted(event.event_id for event in events if event.exchange == exchange)
        HISTORY_LACKS.labels(exchange).inc(len(names))
        log.warning(
            "history_lacks",
            exchange=exchange,
            count=len(names),
            event_ids=names[:MAX_LOGGED_IDS],
        )


def _place(document: Document) -> LiveEvent:
    """Return a live document's contract, time and id."""
    native_symbol = str(document.get("native_symbol"))
    return LiveEvent(
        document["exchange"], native_symbol, document["timestamp_ms"], document["event_id"]
    )


def _count_completed(late: Sequence[Document], live: Collection[str]) -> None:
    """Count the events of completing histories, by whether the live feed had them."""
    for document in late:
        if document.get("arrival") == Arrival.COMPLETED:
            seen = "live" if document["event_id"] in live else "missed"
            COMPLETED.labels(document["exchange"], seen).inc()


def _said(document: Document) -> Said | None:
    """Return an event's fields to compare, or None if a field is missing or malformed."""
    try:
        price, quantity = Decimal(document["price"]), Decimal(document["quantity"])
        return Said(str(document["side"]), price, quantity)
    except (KeyError, TypeError, ValueError, DecimalException):
        return None


def is_late(document: Document) -> bool:
    """Return whether an event arrived as history; records without the field are live."""
    arrival = document.get("arrival", _LIVE)
    return bool(arrival != _LIVE)


def _documents(records: Sequence[Delivered]) -> list[Document]:
    """Return the documents with an event id, exchange and time; others are rejected later."""
    found: list[Document] = []
    for record in records:
        try:
            document = parse_json(record)
        except DecodeError:
            continue
        time_ms = document.get("timestamp_ms")
        named = all(type(document.get(name)) is str for name in ("event_id", "exchange"))
        if named and type(time_ms) is int and EARLIEST_STORED_MS <= time_ms < LATEST_MS:
            found.append(document)
    return found
