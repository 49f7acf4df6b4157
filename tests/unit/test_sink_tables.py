"""Records become rows that say the same, or rejections that name the field."""

from base64 import b64decode
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import orjson
import pytest

from schemas.codec import DecodeError, encode
from schemas.records import (
    CascadeAlert,
    CascadeAnalysis,
    FeedStatus,
    Liquidation,
    Rejected,
    ScoreParts,
    Source,
)
from schemas.topics import Topics
from schemas.vocabulary import (
    AlertType,
    Completeness,
    ContractKind,
    Evidence,
    FeedEvent,
    Level,
    PriceKind,
    RejectReason,
    Scope,
    Side,
)
from sinks.clickhouse.tables import (
    CASCADES,
    FEEDS,
    LIQUIDATIONS,
    REJECTED,
    Table,
    build_row,
    rejection_row,
    tables_by_topic,
)


@dataclass(frozen=True)
class Record:
    value: bytes | None
    topic: str = "liquidations.events"
    partition: int = 3
    offset: int = 17
    timestamp: int = 1_783_500_000_000


EVENT = Liquidation(
    event_id="0" * 32,
    exchange="okx",
    symbol="BTCUSDT",
    native_symbol="BTC-USDT-SWAP",
    base="BTC",
    quote="USDT",
    settle="USDT",
    contract=ContractKind.LINEAR,
    side=Side.SHORT,
    price=Decimal("61234.500000000001"),
    price_kind=PriceKind.BANKRUPTCY,
    quantity=Decimal("0.00000001"),
    value_usd=Decimal("99999999999999999999999999.999999999999"),
    timestamp_ms=1_783_500_000_123,
    received_at_ms=1_783_500_000_456,
    completeness=Completeness.COMPLETE,
    evidence=Evidence.REPORTED,
    is_institutional=True,
    price_level=Decimal(61200),
    source=Source("liquidations.raw.okx", 1, 2),
)
ALERT = CascadeAlert(
    alert_id="a",
    cascade_id="c",
    sequence=1,
    type=AlertType.ENDED,
    scope=Scope.ASSET,
    asset="BTC",
    side=Side.LONG,
    started_at_ms=1_783_500_000_000,
    timestamp_ms=1_783_500_060_000,
    event_count=12,
    total_value_usd=Decimal("1000000.5"),
    long_ratio=0.9,
    exchanges=("binance", "okx"),
    symbols=("BTCUSDT",),
    risk_score=55.5,
    score_parts=ScoreParts(0.1, 0.2, 0.3, 0.4, 0.5),
    basic_risk_score=42.0,
    price_first=Decimal(61000),
    price_last=Decimal("60500.1"),
    largest_event_ids=("x", "y"),
    detector="fixed",
    ended_at_ms=1_783_500_060_000,
    level=Level.MODERATE,
    analysis=CascadeAnalysis(
        surprise=21.5,
        surprise_window_seconds=60,
        normal_per_hour=12.5,
        times_normal=40.25,
        cell_count=11,
        shares=(),
        complete_share=0.5,
        largest_usd=Decimal(250000),
        peak_second_usd=Decimal(300000),
        peak_ten_seconds_usd=Decimal(600000),
        peak_window_usd=Decimal(900000),
    ),
)
REFUSAL = Rejected(
    reason=RejectReason.NOT_JSON,
    detail="not JSON",
    exchange="okx",
    feed="liquidation-orders",
    received_at_ms=1_783_500_000_000,
    payload=b"\xff",
    entry=2,
    source=Source("liquidations.raw.okx", 1, 2),
)
STATUS = FeedStatus(
    exchange="okx",
    feed="liquidation-orders",
    connection="c1",
    event=FeedEvent.GAP,
    timestamp_ms=1_783_500_000_000,
    from_ms=1_783_499_990_000,
    to_ms=1_783_500_000_000,
)
EXAMPLES = [(LIQUIDATIONS, EVENT), (CASCADES, ALERT), (REJECTED, REFUSAL), (FEEDS, STATUS)]


def built(table: Table, value: bytes | None) -> dict[str, Any]:
    row = build_row(table, Record(value))
    assert row is not None
    document: dict[str, Any] = orjson.loads(row.json)
    return document


def test_an_event_keeps_its_decimals_and_its_milliseconds() -> None:
    row = built(LIQUIDATIONS, encode(EVENT))
    assert row["price"] == "61234.500000000001"
    assert row["quantity"] == "0.00000001"
    assert row["value_usd"] == "99999999999999999999999999.999999999999"
    assert row["timestamp"] == "2026-07-08T08:40:00.123000Z"
    assert row["received_at"] == "2026-07-08T08:40:00.456000Z"
    assert (row["side"], row["liquidated_user"], row["is_institutional"]) == ("SHORT", None, True)


def test_a_row_says_where_it_was_read_and_where_it_came_from() -> None:
    row = built(LIQUIDATIONS, encode(EVENT))
    assert [row[f"src_{part}"] for part in ("topic", "partition", "offset")] == [
        "liquidations.events",
        3,
        17,
    ]
    assert [row[f"raw_{part}"] for part in ("topic", "partition", "offset")] == [
        "liquidations.raw.okx",
        1,
        2,
    ]


@pytest.mark.parametrize(("table", "example"), EXAMPLES)
def test_the_columns_of_a_row_are_the_columns_of_its_table(table: Table, example: Any) -> None:
    assert tuple(built(table, encode(example))) == table.columns


@pytest.mark.parametrize(("table", "example"), EXAMPLES)
def test_every_field_of_the_contract_reaches_the_table(table: Table, example: Any) -> None:
    """A value that only one field has is found in the row, whatever its column is called."""
    document = orjson.loads(encode(example))
    for field in fields(example):
        changed = {**document, field.name: changed_value(document[field.name])}
        before, after = built(table, encode(example)), built(table, orjson.dumps(changed))
        assert before != after, f"{field.name} is in no column of {table.name}"


def changed_value(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2
        case "LONG" | "SHORT":
            return "LONG" if value == "SHORT" else "SHORT"
        case str():
            return value.replace("9", "8") + "1"
        case list():
            return [*value, "new"]
        case dict():
            return {name: changed_value(part) for name, part in value.items()}
        case _:
            return "0xabc"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("price", 61234.5, "price: expected a string"),
        ("price", "NaN", "price: not a decimal"),
        ("price", "abc", "price: not a decimal"),
        ("value_usd", "1" + "0" * 26, "value_usd: not a decimal below 10^26"),
        ("quantity", "1" * 400, "quantity: not a decimal below"),
        ("side", "long", "side: 'long' is not one of LONG, SHORT"),
        ("timestamp_ms", "2026-07-08T08:40:00Z", "timestamp_ms: expected UTC milliseconds"),
        ("timestamp_ms", True, "timestamp_ms: expected UTC milliseconds"),
        ("timestamp_ms", 1_783_500_000, "timestamp_ms: expected UTC milliseconds"),
        ("received_at_ms", 10**18, "received_at_ms: expected UTC milliseconds"),
        ("exchange", None, "exchange: expected a string"),
        ("is_institutional", 1, "is_institutional: expected true or false"),
        ("schema_version", 2**16, "schema_version: expected a whole number"),
        ("source", {"topic": "t", "partition": 0}, "source.offset: missing"),
        ("source", {"topic": "t", "partition": 0, "offset": -1}, "source.offset: expected a whole"),
        ("source", "raw", "source: expected an object"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, message: str) -> None:
    document = {**orjson.loads(encode(EVENT)), field: value}
    with pytest.raises(DecodeError, match=f"^{message.replace('^', '.')}"):
        build_row(LIQUIDATIONS, Record(orjson.dumps(document)))


@pytest.mark.parametrize("value", [b"", b"\xff", b"{", b"[]", b"null", b"1", b"[" * 100_000])
def test_what_is_not_an_object_is_refused(value: bytes) -> None:
    with pytest.raises(DecodeError):
        build_row(LIQUIDATIONS, Record(value))


@pytest.mark.parametrize(
    "field", ["event_id", "exchange", "price", "timestamp_ms", "side", "is_institutional"]
)
def test_a_missing_field_is_never_filled_in(field: str) -> None:
    document = orjson.loads(encode(EVENT))
    del document[field]
    with pytest.raises(DecodeError, match=f"{field}: missing"):
        build_row(LIQUIDATIONS, Record(orjson.dumps(document)))


@pytest.mark.parametrize("field", ["liquidated_user", "liquidator", "source", "schema_version"])
def test_an_older_record_may_lack_what_is_optional(field: str) -> None:
    document = orjson.loads(encode(EVENT))
    del document[field]
    assert tuple(built(LIQUIDATIONS, orjson.dumps(document))) == LIQUIDATIONS.columns


def test_a_newer_record_may_have_more() -> None:
    document = {**orjson.loads(encode(EVENT)), "venue_mood": "grim"}
    assert built(LIQUIDATIONS, orjson.dumps(document)) == built(LIQUIDATIONS, encode(EVENT))


def test_a_heartbeat_gives_no_row() -> None:
    assert build_row(LIQUIDATIONS, Record(None)) is None


def test_a_rejection_without_a_source_is_known_by_its_own_position() -> None:
    document = {**orjson.loads(encode(REFUSAL)), "source": None}
    row = built(REJECTED, orjson.dumps(document))
    assert (row["raw_topic"], row["raw_partition"], row["raw_offset"]) == (
        "liquidations.events",
        3,
        17,
    )


@pytest.mark.parametrize("timestamp", [-1, 0, 1_783_500_000_000, 2**62])
def test_whatever_cannot_be_stored_is_kept_with_its_bytes(timestamp: int) -> None:
    row = rejection_row(Record(b"\xff\x00", timestamp=timestamp), "why", "x" * 10_000)
    document = orjson.loads(row.json)
    assert b64decode(document["payload_base64"]) == b"\xff\x00"
    assert (document["stage"], document["reason"], row.table) == ("sink", "why", REJECTED)
    assert len(document["detail"]) == 2000
    assert document["raw_offset"] == 17


def test_the_sink_reads_four_topics() -> None:
    tables = tables_by_topic(Topics("n"))
    assert {topic: table.name for topic, table in tables.items()} == {
        "n.events": "liquidations",
        "n.cascades": "cascades",
        "n.rejected": "rejected",
        "n.feeds": "feeds",
    }
