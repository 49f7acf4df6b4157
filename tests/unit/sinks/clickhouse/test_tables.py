"""Records become rows that say the same, or rejections that name the field."""

from base64 import b64decode
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver.ctypes import RespBuffCls
from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.transform import NativeTransform

from liq.schemas.codec import encode as encode_record
from liq.schemas.headers import FrameHeaders, Headers
from liq.schemas.records import (
    CascadeAnalysis,
    CascadeEstimate,
    CascadeEvents,
    CascadePrice,
    RejectedEntry,
    Source,
)
from liq.schemas.topics import Topics
from liq.schemas.vocabulary import AlertType, Level, NoBranching, PriceKind, RejectReason, Side
from liq.sinks.clickhouse.encoding import (
    UNDECODABLE,
    Encoded,
    encode,
    encode_refusals,
)
from liq.sinks.clickhouse.tables import (
    CASCADES,
    FEEDS,
    INSTRUMENTS,
    LIQUIDATIONS,
    OPEN_POSITIONS,
    RAW_FRAMES,
    REJECTED,
    Table,
    tables_by_topic,
)
from liq.sinks.refusals import Refusal
from tests.support import sample_records


@dataclass(frozen=True)
class Record:
    value: bytes | None
    topic: str = "liquidations.events"
    partition: int = 3
    offset: int = 17
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()


EVENT = replace(
    sample_records.liquidation(),
    side=Side.SHORT,
    price=Decimal("61234.500000000000000001"),
    quantity=Decimal("0.00000001"),
    value_usd=Decimal("99999999999999999999999999.999999999999"),
    timestamp_ms=1_783_500_000_123,
    received_at_ms=1_783_500_000_456,
    is_institutional=True,
    source=Source("liquidations.raw.okx", 1, 2),
    contract_version="2026-07-08",
    rate=Decimal("64000.5"),
    rate_currency="BTC",
    rate_age_ms=20_417,
)
ALERT = replace(
    sample_records.alert(),
    type=AlertType.ENDED,
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
        branching_ratio=0.75,
        usd_times_normal=120.5,
    ),
    price=CascadePrice(
        kind=PriceKind.FILL,
        exchange="kraken",
        symbol="BTCUSDT",
        first=Decimal("61000.5"),
        first_ms=1_783_500_000_000,
        now=Decimal(60000),
        now_ms=1_783_500_059_000,
        move_bps=-164.02,
    ),
    usd_per_second=Decimal("60000.5"),
    estimate=CascadeEstimate(
        value_usd=Decimal("1500000.25"),
        low_usd=Decimal("1300000.25"),
        high_usd=Decimal("2500000.25"),
        not_estimated=("okx",),
    ),
    blind=("gate",),
    continue_probability=0.25,
    expected_more_usd=Decimal("370661.24"),
    events=CascadeEvents(
        asset="A0",
        side=Side.LONG,
        from_ms=1_783_500_000_000,
        to_ms=1_783_500_060_000,
        received_before_ms=1_783_500_150_000,
    ),
)
REFUSAL = replace(
    sample_records.rejection(),
    entry=2,
    entries=(
        RejectedEntry(2, RejectReason.NOT_JSON, "not JSON"),
        RejectedEntry(3, RejectReason.MISSING_FIELD, "p is missing."),
    ),
)
STATUS = sample_records.feed_status(5)
INSTRUMENT = replace(sample_records.instrument(), valid_from_ms=1_783_400_000_000)
POSITION = replace(
    sample_records.open_position(),
    liquidation_price=Decimal("2411.5"),
    entry_price=Decimal("2702.1"),
)
EXAMPLES = [
    (LIQUIDATIONS, EVENT),
    (CASCADES, ALERT),
    (REJECTED, REFUSAL),
    (FEEDS, STATUS),
    (INSTRUMENTS, INSTRUMENT),
    (OPEN_POSITIONS, POSITION),
]
# The client gives UTC without saying so.
EIGHT_FORTY = datetime(2026, 7, 8, 8, 40)  # noqa: DTZ001


class Body:
    """An answer of a server, as the client's decoder reads it."""

    def __init__(self, data: bytes) -> None:
        self.gen = iter([data])

    def close(self) -> None: ...


def rows(encoded: Encoded) -> list[dict[str, Any]]:
    """What another implementation of the format, the client's, reads in our blocks."""
    found: list[dict[str, Any]] = []
    for data in encoded.blocks:
        body: Any = RespBuffCls(Body(data))  # type: ignore[no-untyped-call]  # the client's own
        result: Any = NativeTransform().parse_response(body, QueryContext())
        found += [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
    return found


def built(table: Table, value: bytes) -> dict[str, Any]:
    encoded = encode(table, [Record(value)])
    assert encoded.refusals == []
    [row] = rows(encoded)
    return row


def refused(table: Table, value: bytes) -> str:
    encoded = encode(table, [Record(value)])
    assert encoded.records == []
    [refusal] = encoded.refusals
    assert refusal.reason == UNDECODABLE
    return refusal.detail.removeprefix(f"{table.name}: ")


def test_an_event_keeps_its_decimals_and_its_milliseconds() -> None:
    row = built(LIQUIDATIONS, encode_record(EVENT))
    assert row["price"] == "61234.500000000000000001"
    assert row["quantity"] == "0.00000001"
    assert row["value_usd"] == "99999999999999999999999999.999999999999"
    assert (row["timestamp"], row["received_at"]) == (
        EIGHT_FORTY + timedelta(milliseconds=123),
        EIGHT_FORTY + timedelta(milliseconds=456),
    )
    assert (row["side"], row["liquidated_user"], row["is_institutional"]) == ("SHORT", None, True)


def test_a_row_says_where_it_was_read_and_where_it_came_from() -> None:
    row = built(LIQUIDATIONS, encode_record(EVENT))
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
    assert tuple(built(table, encode_record(example))) == table.sent_columns


@pytest.mark.parametrize(("table", "example"), EXAMPLES)
def test_every_field_of_the_contract_reaches_the_table(table: Table, example: Any) -> None:
    """A value that only one field has is found in the row, whatever its column is called."""
    document = orjson.loads(encode_record(example))
    for field in fields(example):
        changed = {**document, field.name: changed_value(document[field.name])}
        before, after = built(table, encode_record(example)), built(table, orjson.dumps(changed))
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
        case str() if value[-1:].isdigit():
            return value[:-1] + str((int(value[-1]) + 1) % 10)
        case str():
            return f"{value}x"
        case [dict(), *_]:
            return value[1:]
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
        *(
            ("price", text, "price: not a plain decimal")
            for text in ("NaN", "abc", "", "1e5", "+1", "1.", ".5", "1,5", "1\n2", "\u0661", " 1")
        ),
        ("price", "0." + "0" * 18 + "1", "price: not a plain decimal"),
        ("quantity", "0." + "0" * 12 + "1", "quantity: not a plain decimal"),
        ("value_usd", "1" + "0" * 26, "value_usd: not a plain decimal of at most 26 digits"),
        ("quantity", "1" * 400, "quantity: not a plain decimal"),
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
        ("liquidated_user", 5, "liquidated_user: expected a string"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, message: str) -> None:
    document = {**orjson.loads(encode_record(EVENT)), field: value}
    assert refused(LIQUIDATIONS, orjson.dumps(document)).startswith(message)


@pytest.mark.parametrize(
    ("table", "example", "field", "value", "message"),
    [
        (CASCADES, ALERT, "risk_score", "1", "risk_score: expected a number"),
        (CASCADES, ALERT, "risk_score", True, "risk_score: expected a number"),
        (CASCADES, ALERT, "exchanges", ["okx", 1], "exchanges: expected an array of strings"),
        (CASCADES, ALERT, "exchanges", "okx", "exchanges: expected an array of strings"),
        (CASCADES, ALERT, "analysis", [], "analysis: expected an object"),
        (
            CASCADES,
            ALERT,
            "analysis",
            {"branching_ratio": "0.7"},
            "analysis.branching_ratio: expected a number",
        ),
        (CASCADES, ALERT, "sequence", 2**32, "sequence: expected a whole number from 0 to"),
        (CASCADES, ALERT, "score_parts", {"speed": 1}, "score_parts.volume: missing"),
        (FEEDS, STATUS, "from_ms", 5, "from_ms: expected UTC milliseconds"),
        (INSTRUMENTS, INSTRUMENT, "as_of", "20260708", "as_of: expected a date"),
        (INSTRUMENTS, INSTRUMENT, "as_of", "1926-07-08", "as_of: expected a date"),
        (INSTRUMENTS, INSTRUMENT, "contract_size", 1, "contract_size: expected a string"),
    ],
)
def test_a_wrong_field_of_another_record_is_named(
    table: Table, example: Any, field: str, value: Any, message: str
) -> None:
    document = {**orjson.loads(encode_record(example)), field: value}
    assert refused(table, orjson.dumps(document)).startswith(message)


@pytest.mark.parametrize("value", [b"", b"\xff", b"{", b"[]", b"null", b"1", b"[" * 100_000])
def test_what_is_not_an_object_is_refused(value: bytes) -> None:
    assert refused(LIQUIDATIONS, value)


@pytest.mark.parametrize(
    "field", ["event_id", "exchange", "price", "timestamp_ms", "side", "is_institutional"]
)
def test_a_missing_field_is_never_filled_in(field: str) -> None:
    document = orjson.loads(encode_record(EVENT))
    del document[field]
    assert refused(LIQUIDATIONS, orjson.dumps(document)) == f"{field}: missing"


@pytest.mark.parametrize("field", ["liquidated_user", "liquidator", "source", "schema_version"])
def test_an_older_record_may_lack_what_is_optional(field: str) -> None:
    document = orjson.loads(encode_record(EVENT))
    del document[field]
    assert tuple(built(LIQUIDATIONS, orjson.dumps(document))) == LIQUIDATIONS.sent_columns


def test_a_branching_ratio_that_is_not_told_is_null_for_a_reason() -> None:
    told = built(CASCADES, encode_record(ALERT))
    assert (told["branching_ratio"], told["no_branching"]) == (0.75, "")
    assert ALERT.analysis is not None
    refused_ratio = replace(
        ALERT.analysis, branching_ratio=None, no_branching=NoBranching.NO_COMPLETE_FEED
    )
    row = built(CASCADES, encode_record(replace(ALERT, analysis=refused_ratio)))
    assert (row["branching_ratio"], row["no_branching"]) == (None, "no_complete_feed")
    older = built(CASCADES, encode_record(replace(ALERT, analysis=None)))
    assert (older["branching_ratio"], older["no_branching"]) == (None, "")


def test_a_newer_record_may_have_more() -> None:
    document = {**orjson.loads(encode_record(EVENT)), "venue_mood": "grim"}
    assert built(LIQUIDATIONS, orjson.dumps(document)) == built(LIQUIDATIONS, encode_record(EVENT))


def test_a_rejection_without_a_source_is_known_by_its_own_position() -> None:
    document = {**orjson.loads(encode_record(REFUSAL)), "source": None}
    row = built(REJECTED, orjson.dumps(document))
    assert (row["raw_topic"], row["raw_partition"], row["raw_offset"]) == (
        "liquidations.events",
        3,
        17,
    )


@pytest.mark.parametrize("timestamp", [-1, 0, 1_783_500_000_000, 2**62])
def test_whatever_cannot_be_stored_is_kept_with_its_bytes(timestamp: int) -> None:
    record = Record(b"\xff\x00", timestamp=timestamp)
    encoded = encode_refusals([Refusal(record, "why", "x" * 10_000)])
    [row] = rows(encoded)
    assert b64decode(row["payload_base64"]) == b"\xff\x00"
    assert (row["stage"], row["reason"], encoded.table) == ("sink", "why", REJECTED)
    assert len(row["detail"]) == 2000
    assert row["raw_offset"] == 17


@pytest.mark.parametrize("bad", [[0], [1], [2499], [3, 4, 5], [0, 999, 1000, 2000, 2499]])
def test_the_bad_are_found_among_the_good_and_order_is_kept(bad: list[int]) -> None:
    good = encode_record(EVENT)
    count = 2500
    records = [
        Record(good.replace(b'"SHORT"', b'"short"') if number in bad else good, offset=number)
        for number in range(count)
    ]
    encoded = encode(LIQUIDATIONS, records)
    assert [refusal.record.offset for refusal in encoded.refusals] == bad
    kept = [number for number in range(count) if number not in bad]
    assert [record.offset for record in encoded.records] == kept
    assert [row["src_offset"] for row in rows(encoded)] == kept


def test_records_that_are_stored_already_are_left_out() -> None:
    records = [Record(encode_record(EVENT), offset=number) for number in range(10)]
    encoded = encode(LIQUIDATIONS, records, lambda record, _: record.offset < 4)
    assert encoded.skipped == 4
    assert [row["src_offset"] for row in rows(encoded)] == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_384])
@pytest.mark.parametrize("letter", ["a", "é", "\U0001f600", "\x00"])
@pytest.mark.parametrize("repeats", [1, 3])
def test_text_of_any_length_and_script_is_kept(length: int, letter: str, repeats: int) -> None:
    document = {**orjson.loads(encode_record(EVENT)), "exchange": letter * length}
    other = {**document, "exchange": "other"}
    values = [orjson.dumps(document)] * repeats + [orjson.dumps(other)]
    found = rows(encode(LIQUIDATIONS, [Record(value) for value in values]))
    assert [row["exchange"] for row in found] == [letter * length] * repeats + ["other"]


def test_a_raw_frame_keeps_its_bytes_and_its_nanoseconds() -> None:
    headers = FrameHeaders("okx", "orders", 1_783_500_000_123_456_789, "c1", 42)
    record = Record(b'{"a": 1}\n ', topic="liquidations.raw.okx", headers=headers.encode())
    [row] = rows(encode(RAW_FRAMES, [record]))
    assert tuple(row) == RAW_FRAMES.sent_columns
    assert (row["exchange"], row["feed"], row["connection"]) == ("okx", "orders", "c1")
    assert (row["sequence"], row["frame"]) == (42, '{"a": 1}\n ')
    assert row["src_topic"] == "liquidations.raw.okx"


def test_a_frame_without_headers_has_the_time_of_its_record() -> None:
    [row] = rows(encode(RAW_FRAMES, [Record(b"x")]))
    assert row["received_at"] == EIGHT_FORTY
    assert (row["exchange"], row["sequence"]) == ("", 0)


def test_the_sink_reads_six_topics_and_raw_ones_where_they_are_archived() -> None:
    tables = tables_by_topic(Topics("n"))
    assert {topic: table.name for topic, table in tables.items()} == {
        "n.events": "liquidations",
        "n.cascades": "cascades",
        "n.rejected": "rejected",
        "n.feeds": "feeds",
        "n.instruments": "instruments",
        "n.positions": "open_positions",
    }
    archived = tables_by_topic(Topics("n"), ("okx", "bybit"))
    assert {topic for topic, table in archived.items() if table is RAW_FRAMES} == {
        "n.raw.okx",
        "n.raw.bybit",
    }


def test_an_object_that_is_nested_too_deeply_to_be_written_is_refused() -> None:
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    value = encode_record(ALERT)
    assert b'"analysis":{' in value
    changed = value.replace(b'"analysis":{', b'"analysis":{"deep":' + deep + b",", 1)
    assert "nested too deeply" in refused(CASCADES, changed)


@pytest.mark.parametrize("received_at_ms", [-1, 0, 1_783_500, 1_783_500_000_000_000, 2**63])
def test_a_rejection_with_an_odd_time_keeps_its_reason(received_at_ms: int) -> None:
    document = orjson.loads(encode_record(REFUSAL)) | {"received_at_ms": received_at_ms}
    encoded = encode(REJECTED, [Record(orjson.dumps(document))])
    assert not encoded.refusals
    assert len(encoded.records) == 1


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("all", "entries: expected an array of objects"),
        ([5], "entries: expected an array of objects"),
        ([{"entry": 0, "reason": "not_json"}], "entries.detail: missing"),
        ([{"entry": -1, "reason": "not_json", "detail": ""}], "entry_numbers: expected a whole"),
        ([{"entry": 0, "reason": 5, "detail": ""}], "entry_reasons: expected an array of strings"),
    ],
)
def test_entries_of_a_rejection_that_are_none_are_named(entries: object, message: str) -> None:
    document = orjson.loads(encode_record(REFUSAL)) | {"entries": entries}
    encoded = encode(REJECTED, [Record(orjson.dumps(document))])
    [refusal] = encoded.refusals
    assert message in refusal.detail


def test_a_rejection_of_an_older_writer_has_no_entries() -> None:
    document = orjson.loads(encode_record(REFUSAL))
    del document["entries"]
    row = built(REJECTED, orjson.dumps(document))
    assert [row[f"entry_{part}"] for part in ("numbers", "reasons", "details")] == [[], [], []]
