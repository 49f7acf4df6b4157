"""Conversion of Kafka records to documents, from which columns read their values."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from liq.runtime.believed_time import written_at_ms
from liq.runtime.record_time import received_at_ns
from liq.schemas.codec import DecodeError
from liq.schemas.headers import (
    CONNECTION,
    EXCHANGE,
    FEED,
    RATES,
    SEQUENCE,
    SUBJECT,
    integer_header,
    text_header,
)
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS
from liq.schemas.records import SCHEMA_VERSION
from liq.sinks.batch import Delivered
from liq.sinks.refusals import SINK_STAGE

Document = Mapping[str, Any]

PUBLISHED_AT_MS = "published_at_ms"
# The entries of a rejection, as columns.
ENTRY_NUMBERS, ENTRY_REASONS, ENTRY_DETAILS = "entry_numbers", "entry_reasons", "entry_details"
# The limit for a refusal's sentence; the whole record is stored beside it.
MAX_DETAIL_CHARACTERS = 2000


def parse_json(record: Delivered) -> dict[str, Any]:
    """Parse a record's value as a JSON object.

    Raises:
        DecodeError: the value is not a JSON object.
    """
    try:
        document = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    if type(document) is not dict:
        raise DecodeError("expected a JSON object")
    return document


def parse_rejection(record: Delivered) -> Document:
    """Parse a rejection, with its entries as columns.

    A rejection without a source gets its own position as the source. The record's time replaces a
    time that no column can store, so that the row keeps the true reason.

    Raises:
        DecodeError: the value is not a JSON object, or `entries` is not an array of objects.
    """
    document = parse_json(record)
    if document.get("source") is None:
        document["source"] = _position(record)
    received_at_ms = document.get("received_at_ms")
    if isinstance(received_at_ms, int | float) and not _is_storable(received_at_ms):
        document["received_at_ms"] = written_at_ms(record)
    document.update(_entry_columns(document.get("entries")))
    return document


def _entry_columns(entries: Any) -> dict[str, list[Any]]:
    """Return the fields of a rejection's entries by column; empty lists without entries."""
    entries = entries or []
    if type(entries) is not list or any(type(entry) is not dict for entry in entries):
        raise DecodeError("entries: expected an array of objects")
    try:
        return {
            ENTRY_NUMBERS: [entry["entry"] for entry in entries],
            ENTRY_REASONS: [entry["reason"] for entry in entries],
            ENTRY_DETAILS: [entry["detail"] for entry in entries],
        }
    except KeyError as error:
        raise DecodeError(f"entries.{error.args[0]}: missing") from error


def parse_instrument(record: Delivered) -> Document:
    """Parse a contract's metadata, with the time of publication, which orders its versions.

    Raises:
        DecodeError: the value is not a JSON object.
    """
    document = parse_json(record)
    document[PUBLISHED_AT_MS] = written_at_ms(record)
    return document


def parse_frame(record: Delivered) -> Document:
    """Return the document of a raw frame and its headers; it is valid for any bytes."""
    return {
        "received_at_ns": received_at_ns(record),
        "exchange": text_header(record.headers, EXCHANGE),
        "feed": text_header(record.headers, FEED),
        "connection": text_header(record.headers, CONNECTION),
        "sequence": integer_header(record.headers, SEQUENCE) or 0,
        "frame": record.value,
        "rates": text_header(record.headers, RATES),
        "subject": text_header(record.headers, SUBJECT),
    }


def rejection(record: Delivered, reason: str, detail: str) -> Document:
    """Return the document of a refused record, for the table `rejected`."""
    return {
        "received_at_ms": written_at_ms(record),
        "stage": SINK_STAGE,
        "reason": reason,
        "detail": detail[:MAX_DETAIL_CHARACTERS],
        "exchange": "",
        "feed": "",
        "payload": b64encode(record.value or b"").decode("ascii"),
        "schema_version": SCHEMA_VERSION,
        "source": _position(record),
        **_entry_columns(None),
    }


def _is_storable(timestamp_ms: float) -> bool:
    return EARLIEST_STORED_MS <= timestamp_ms < LATEST_MS


def _position(record: Delivered) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
