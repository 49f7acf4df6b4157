"""The engine's own events, from `liq export`, `liq normalize`, `liq import`, and from stored rows.

They keep their ids and values. Their `arrival` and `source` become those of an import, because the
importing system did not receive them live.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson

from liq.processors.archives.entries import (
    Archive,
    ArchivedEvent,
    BadLine,
    FileHead,
    Item,
    Line,
    Reader,
    UnusableFileError,
)
from liq.processors.normalizers.instruments import InstrumentBook
from liq.schemas.codec import DecodeError, decimal_text, decode
from liq.schemas.records import Liquidation

HEARTBEAT: Final = b'{"clock_ms"'
EVENT: Final = b'{"event_id"'
# The beginnings of the engine's other lines, and their purpose.
OTHERS: Final[Mapping[bytes, str]] = {
    b'{"received_at_ns"': "a capture: `liq normalize` or `liq replay` read it",
    b'{"alert_id"': "alerts, which the detector makes of events",
    b'{"line"': "messages of a command about broken lines",
}
DAMAGED: Final = "malformed_line"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

# Columns of stored rows whose fields have another name.
_TIMES: Final = {
    "timestamp": "timestamp_ms",
    "received_at": "received_at_ms",
    "stamped_at": "stamped_at_ms",
}


def recognizes(head: FileHead) -> bool:
    """Return whether the first line is an event or a heartbeat of the events topic."""
    return head.first.startswith((HEARTBEAT, EVENT))


def open_file(head: FileHead, _: InstrumentBook) -> Reader:
    """Return the reader of a file.

    Raises:
        UnusableFileError: the lines are not events.
    """
    for beginning, what in OTHERS.items():
        if head.first.startswith(beginning):
            raise UnusableFileError(f"{head.name} holds {what}.")
    if not recognizes(head):
        raise UnusableFileError(
            f"{head.name} holds no events: its first line does not begin with {EVENT.decode()}."
        )
    return read


def read(lines: Iterable[Line]) -> Iterator[Item]:
    """Parse the events; skip heartbeats."""
    for line in lines:
        if not line.content.strip() or line.content.startswith(HEARTBEAT):
            continue
        try:
            event = decode(Liquidation, line.content)
        except DecodeError as error:
            yield BadLine(line.number, DAMAGED, f"The line is no event: {error}.")
        else:
            yield ArchivedEvent(line.number, event)


def event_of_row(row: Mapping[str, Any]) -> Liquidation:
    """Convert a stored row to an event; columns that are no field of the event are ignored.

    Raises:
        DecodeError: a column is missing or has another type.
    """
    document: dict[str, Any] = {}
    for name, value in row.items():
        if name in _TIMES:
            document[_TIMES[name]] = _milliseconds(name, value)
        elif isinstance(value, Decimal):
            document[name] = decimal_text(value.normalize())
        else:
            document[name] = value
    return decode(Liquidation, orjson.dumps(document))


def _milliseconds(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise DecodeError(f"{name}: expected a time in UTC")
    return (value - EPOCH) // MILLISECOND


ARCHIVE: Final = Archive(
    name="events",
    title="our own events (JSON Lines of `liq export`, Parquet of `liq export --format parquet`)",
    ids="those that they had",
    recognizes=recognizes,
    open=open_file,
)
