"""Which topic goes into which table, and how a record becomes a row.

Every column is listed with its reader. A unit test compares the lists with the contract and
with the migrations, so neither can grow a field that is forgotten here.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from schemas.codec import DecodeError
from schemas.records import SCHEMA_VERSION
from schemas.topics import Topics
from schemas.vocabulary import Side
from sinks.clickhouse.fields import (
    EARLIEST_MS,
    LATEST_MS,
    Document,
    Reader,
    decimal,
    default,
    flag,
    integer,
    json_object,
    moment,
    moment_or_null,
    number,
    text,
    text_or_empty,
    text_or_null,
    texts,
    within,
    word,
)

SINK_STAGE = "sink"
UNDECODABLE = "undecodable_record"
REFUSED = "refused_by_clickhouse"
# Of a refusal's sentence; the whole record is stored beside it.
MAX_DETAIL_CHARACTERS = 2000

_VERSION = {"schema_version": default(integer("schema_version", 16), "schema_version", 1)}
_RAW = {
    "raw_topic": default(within("source", text("topic")), "source", ""),
    "raw_partition": default(within("source", integer("partition", 16)), "source", 0),
    "raw_offset": default(within("source", integer("offset", 64)), "source", 0),
}
POSITION_COLUMNS = ("src_topic", "src_partition", "src_offset")


class Delivered(Protocol):
    """What is needed of a Kafka record. `timestamp` is Kafka's, UTC milliseconds."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - see the class
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its columns with their readers, and the column that identifies a record, if any."""

    name: str
    readers: Mapping[str, Reader]
    identity: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that we send; the rest have defaults in ClickHouse."""
        return (*self.readers, *POSITION_COLUMNS)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of JSONEachRow and the record that it came from."""

    table: Table
    record: Delivered
    identity: str
    json: bytes


LIQUIDATIONS = Table(
    "liquidations",
    {
        "timestamp": moment("timestamp_ms"),
        "received_at": moment("received_at_ms"),
        "exchange": text("exchange"),
        "symbol": text("symbol"),
        "native_symbol": text("native_symbol"),
        "base": text("base"),
        "quote": text("quote"),
        "settle": text("settle"),
        "contract": text("contract"),
        "side": word("side", Side),
        "price": decimal("price"),
        "price_kind": text("price_kind"),
        "quantity": decimal("quantity"),
        "value_usd": decimal("value_usd"),
        "completeness": text("completeness"),
        "evidence": text("evidence"),
        "is_institutional": flag("is_institutional"),
        "price_level": decimal("price_level"),
        "liquidated_user": text_or_null("liquidated_user"),
        "liquidator": text_or_null("liquidator"),
        "event_id": text("event_id"),
        **_VERSION,
        **_RAW,
    },
    identity="event_id",
)

CASCADES = Table(
    "cascades",
    {
        "cascade_id": text("cascade_id"),
        "alert_id": text("alert_id"),
        "sequence": integer("sequence", 32),
        "type": text("type"),
        "scope": text("scope"),
        "asset": text("asset"),
        "side": word("side", Side),
        "started_at": moment("started_at_ms"),
        "timestamp": moment("timestamp_ms"),
        "ended_at": moment_or_null("ended_at_ms"),
        "event_count": integer("event_count", 64),
        "total_value_usd": decimal("total_value_usd"),
        "long_ratio": number("long_ratio"),
        "exchanges": texts("exchanges"),
        "symbols": texts("symbols"),
        "risk_score": number("risk_score"),
        "score_speed": within("score_parts", number("speed")),
        "score_volume": within("score_parts", number("volume")),
        "score_imbalance": within("score_parts", number("imbalance")),
        "score_concentration": within("score_parts", number("concentration")),
        "score_breadth": within("score_parts", default(number("breadth"), "breadth", 0.0)),
        "basic_risk_score": number("basic_risk_score"),
        "price_first": decimal("price_first"),
        "price_last": decimal("price_last"),
        "largest_event_ids": texts("largest_event_ids"),
        "detector": text("detector"),
        "notify": default(flag("notify"), "notify", value=True),
        "parent_id": text_or_null("parent_id"),
        "children": default(texts("children"), "children", []),
        "level": default(text("level"), "level", ""),
        "analysis": json_object("analysis"),
        "explanation": text_or_empty("explanation"),
        **_VERSION,
    },
    identity="alert_id",
)

REJECTED = Table(
    "rejected",
    {
        "received_at": moment("received_at_ms"),
        "stage": default(text("stage"), "stage", "normalize"),
        "reason": text("reason"),
        "detail": text("detail"),
        "exchange": text("exchange"),
        "feed": text("feed"),
        "entry": default(integer("entry", 32), "entry", 0),
        "payload_base64": text("payload"),
        **_VERSION,
        **_RAW,
    },
)

FEEDS = Table(
    "feeds",
    {
        "timestamp": moment("timestamp_ms"),
        "exchange": text("exchange"),
        "feed": text("feed"),
        "connection": text("connection"),
        "event": text("event"),
        "detail": text_or_empty("detail"),
        "gap_from": moment_or_null("from_ms"),
        "gap_to": moment_or_null("to_ms"),
        **_VERSION,
    },
)

TABLES = (LIQUIDATIONS, CASCADES, REJECTED, FEEDS)


def tables_by_topic(topics: Topics) -> dict[str, Table]:
    """What the sink subscribes to, and where each topic goes."""
    return {
        topics.events: LIQUIDATIONS,
        topics.cascades: CASCADES,
        topics.rejected: REJECTED,
        topics.feeds: FEEDS,
    }


def build_row(table: Table, record: Delivered) -> Row | None:
    """The row of a record; None for a heartbeat, which has no value.

    Raises:
        DecodeError: the record doesn't follow the contract; the message names the field.
    """
    if record.value is None:
        return None
    try:
        document = orjson.loads(record.value)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    if type(document) is not dict:
        raise DecodeError("expected a JSON object")
    if table is REJECTED and document.get("source") is None:
        document["source"] = _position(record)
    return _row(table, record, document)


def rejection_row(record: Delivered, reason: str, detail: str) -> Row:
    """The row of `rejected` for a record that cannot be stored where it belongs."""
    document = {
        "received_at_ms": min(max(record.timestamp, EARLIEST_MS), LATEST_MS - 1),
        "stage": SINK_STAGE,
        "reason": reason,
        "detail": detail[:MAX_DETAIL_CHARACTERS],
        "exchange": "",
        "feed": "",
        "payload": b64encode(record.value or b"").decode("ascii"),
        "schema_version": SCHEMA_VERSION,
        "source": _position(record),
    }
    return _row(REJECTED, record, document)


def _row(table: Table, record: Delivered, document: Document) -> Row:
    values: dict[str, Any] = {column: read(document) for column, read in table.readers.items()}
    values["src_topic"] = record.topic
    values["src_partition"] = record.partition
    values["src_offset"] = record.offset
    identity = "" if table.identity is None else values[table.identity]
    return Row(table, record, identity, orjson.dumps(values, option=orjson.OPT_UTC_Z))


def _position(record: Delivered) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
