"""The mapping of topics to tables and of fields to columns.

Unit tests compare the columns with the contract and with the migrations, so that a new field cannot
be forgotten here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from liq.schemas.topics import Topics
from liq.schemas.vocabulary import Side
from liq.sinks.batch import Delivered
from liq.sinks.clickhouse.columns import (
    Column,
    decimal,
    decimal_or_null,
    default,
    flag,
    integer,
    integer_or_null,
    integers,
    iso_date,
    json_object,
    moment,
    moment_ns,
    moment_or_epoch,
    moment_or_null,
    number,
    number_or_null,
    price,
    raw_bytes,
    text,
    text_or_null,
    texts,
    within,
    word,
)
from liq.sinks.clickhouse.documents import (
    ENTRY_DETAILS,
    ENTRY_NUMBERS,
    ENTRY_REASONS,
    PUBLISHED_AT_MS,
    Document,
    parse_frame,
    parse_instrument,
    parse_json,
    parse_rejection,
)

_VERSION = {"schema_version": default(integer("schema_version", 16), "schema_version", 1)}
_NO_SOURCE = {"topic": "", "partition": 0, "offset": 0}
_RAW = {
    "raw_topic": default(within("source", text("topic")), "source", _NO_SOURCE),
    "raw_partition": default(within("source", integer("partition", 16)), "source", _NO_SOURCE),
    "raw_offset": default(within("source", integer("offset", 64)), "source", _NO_SOURCE),
}
POSITION_COLUMNS = ("src_topic", "src_partition", "src_offset")


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns that are read from records.

    `identity` is the field that identifies a record, if a single field does. `parse` converts a
    record to a document; it may raise DecodeError.
    """

    name: str
    columns: Mapping[str, Column]
    identity: str | None = None
    parse: Callable[[Delivered], Document] = parse_json

    @property
    def sent_columns(self) -> tuple[str, ...]:
        """The columns in an insert; all others have defaults in ClickHouse."""
        return (*self.columns, *POSITION_COLUMNS)


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
        "price": price("price"),
        "price_kind": text("price_kind"),
        "quantity": decimal("quantity"),
        "value_usd": decimal("value_usd"),
        "completeness": text("completeness"),
        "evidence": text("evidence"),
        "is_institutional": flag("is_institutional"),
        "price_level": price("price_level"),
        "liquidated_user": text_or_null("liquidated_user"),
        "liquidator": text_or_null("liquidator"),
        "contract_version": text_or_null("contract_version"),
        "rate": decimal_or_null("rate"),
        "rate_currency": text_or_null("rate_currency"),
        "rate_age_ms": integer_or_null("rate_age_ms", 64),
        "arrival": default(text("arrival"), "arrival", "live"),
        "stamped_at": moment_or_null("stamped_at_ms"),
        "event_id": text("event_id"),
        **_VERSION,
        **_RAW,
    },
    identity="event_id",
)


def _optional(field: str, inner: Column) -> Column:
    """Read `inner` from an object that not every record has."""
    return default(within(field, inner), field, {})


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
        "usd_per_second": decimal_or_null("usd_per_second"),
        "estimated_usd": _optional("estimate", decimal_or_null("value_usd")),
        "estimated_low_usd": _optional("estimate", decimal_or_null("low_usd")),
        "estimated_high_usd": _optional("estimate", decimal_or_null("high_usd")),
        "not_estimated": _optional(
            "estimate", default(texts("not_estimated"), "not_estimated", [])
        ),
        "long_ratio": number("long_ratio"),
        "exchanges": texts("exchanges"),
        "blind": default(texts("blind"), "blind", []),
        "symbols": texts("symbols"),
        "risk_score": number("risk_score"),
        "score_speed": within("score_parts", number("speed")),
        "score_volume": within("score_parts", number("volume")),
        "score_imbalance": within("score_parts", number("imbalance")),
        "score_concentration": within("score_parts", number("concentration")),
        "score_breadth": within("score_parts", default(number("breadth"), "breadth", 0.0)),
        "basic_risk_score": number("basic_risk_score"),
        "price_first": price("price_first"),
        "price_last": price("price_last"),
        "price_kind": _optional("price", default(text("kind"), "kind", "")),
        "price_exchange": _optional("price", default(text("exchange"), "exchange", "")),
        "price_symbol": _optional("price", default(text("symbol"), "symbol", "")),
        "move_bps": _optional("price", number_or_null("move_bps")),
        "largest_event_ids": texts("largest_event_ids"),
        "events_from": _optional("events", moment_or_null("from_ms")),
        "events_to": _optional("events", moment_or_null("to_ms")),
        "events_received_before": _optional("events", moment_or_null("received_before_ms")),
        "detector": text("detector"),
        "notify": default(flag("notify"), "notify", value=True),
        "parent_id": text_or_null("parent_id"),
        "children": default(texts("children"), "children", []),
        "level": default(text("level"), "level", ""),
        "analysis": json_object("analysis"),
        "branching_ratio": _optional("analysis", number_or_null("branching_ratio")),
        "no_branching": _optional("analysis", default(text("no_branching"), "no_branching", "")),
        "usd_times_normal": _optional("analysis", number_or_null("usd_times_normal")),
        "explanation": default(text("explanation"), "explanation", ""),
        "caveat": text_or_null("caveat"),
        "end_reason": text_or_null("end_reason"),
        "continue_probability": number_or_null("continue_probability"),
        "expected_more_usd": decimal_or_null("expected_more_usd"),
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
        ENTRY_NUMBERS: integers(ENTRY_NUMBERS, 32),
        ENTRY_REASONS: texts(ENTRY_REASONS),
        ENTRY_DETAILS: texts(ENTRY_DETAILS),
        **_VERSION,
        **_RAW,
    },
    parse=parse_rejection,
)

FEEDS = Table(
    "feeds",
    {
        "timestamp": moment("timestamp_ms"),
        "exchange": text("exchange"),
        "feed": text("feed"),
        "connection": text("connection"),
        "event": text("event"),
        "detail": default(text("detail"), "detail", ""),
        "gap_from": moment_or_null("from_ms"),
        "gap_to": moment_or_null("to_ms"),
        "row_count": integer_or_null("row_count", 64),
        "request_count": integer_or_null("request_count", 64),
        **_VERSION,
    },
)

INSTRUMENTS = Table(
    "instruments",
    {
        "exchange": text("exchange"),
        "native_symbol": text("native_symbol"),
        "base": text("base"),
        "quote": text("quote"),
        "settle": text("settle"),
        "contract": text("contract"),
        "contract_size": decimal("contract_size"),
        "as_of": iso_date("as_of"),
        "valid_from": moment_or_epoch("valid_from_ms"),
        "published_at": moment(PUBLISHED_AT_MS),
        **_VERSION,
    },
    parse=parse_instrument,
)

OPEN_POSITIONS = Table(
    "open_positions",
    {
        "snapshot_at": moment("timestamp_ms"),
        "exchange": text("exchange"),
        "symbol": text("symbol"),
        "native_symbol": text("native_symbol"),
        "base": text("base"),
        "side": word("side", Side),
        "quantity": decimal("quantity"),
        "value_usd": decimal("value_usd"),
        "mark_price": price("mark_price"),
        "liquidation_price": decimal_or_null("liquidation_price"),
        "entry_price": decimal_or_null("entry_price"),
        "position_id": text("position_id"),
        **_VERSION,
    },
)

RAW_FRAMES = Table(
    "raw_frames",
    {
        "received_at": moment_ns("received_at_ns"),
        "exchange": text("exchange"),
        "feed": text("feed"),
        "connection": text("connection"),
        "sequence": integer("sequence", 64),
        "frame": raw_bytes("frame"),
        "rates": text("rates"),
        "subject": text("subject"),
    },
    parse=parse_frame,
)

TABLES = (LIQUIDATIONS, CASCADES, REJECTED, FEEDS, INSTRUMENTS, OPEN_POSITIONS, RAW_FRAMES)


def tables_by_topic(topics: Topics, raw_exchanges: Collection[str] = ()) -> dict[str, Table]:
    """Map each topic to its table, including the raw topics of `raw_exchanges`."""
    return {
        topics.events: LIQUIDATIONS,
        topics.cascades: CASCADES,
        topics.rejected: REJECTED,
        topics.feeds: FEEDS,
        topics.instruments: INSTRUMENTS,
        topics.positions: OPEN_POSITIONS,
        **{topics.raw(exchange): RAW_FRAMES for exchange in raw_exchanges},
    }
