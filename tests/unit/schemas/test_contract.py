"""The contract both ways: what was written once keeps parsing, what we write fits the schemas."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import orjson
import pytest
from jsonschema import Draft202012Validator

from liq.schemas.asyncapi import RECORD_TYPES, asyncapi_document
from liq.schemas.cloud_events import (
    OPTIONAL,
    alert_headers,
    feed_headers,
    liquidation_headers,
    status_headers,
)
from liq.schemas.codec import decode, encode
from liq.schemas.descriptions import DESCRIPTIONS
from liq.schemas.generate import generated_files, main, outdated_files
from liq.schemas.headers import heartbeat_headers
from liq.schemas.json_schema import schema_of
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.topics import Cleanup, Topics
from tests.support.paths import EXAMPLES

TYPES = {record.__name__: record for record in RECORD_TYPES}


def parts_of(hint: Any) -> set[type]:
    """The dataclasses that a type is made of, itself included."""
    if isinstance(hint, type) and is_dataclass(hint):
        inner = [parts_of(part) for part in get_type_hints(hint).values()]
        return {hint}.union(*inner)
    return set().union(*(parts_of(part) for part in get_args(hint)))


ALL_TYPES = {part.__name__: part for record in RECORD_TYPES for part in parts_of(record)}

# A reader of version 1 relies on these. A field may become optional to write never, and a new
# required one would break every stored record: both change this list, so neither can slip in.
REQUIRED_AT_VERSION_1 = {
    "Liquidation": {
        "event_id", "exchange", "symbol", "native_symbol", "base", "quote", "settle", "contract",
        "side", "price", "price_kind", "quantity", "value_usd", "timestamp_ms", "received_at_ms",
        "completeness", "evidence", "is_institutional", "price_level",
    },
    "CascadeAlert": {
        "alert_id", "cascade_id", "sequence", "type", "scope", "asset", "side", "started_at_ms",
        "timestamp_ms", "event_count", "total_value_usd", "long_ratio", "exchanges", "symbols",
        "risk_score", "score_parts", "basic_risk_score", "price_first", "price_last",
        "largest_event_ids", "detector",
    },
    "Rejected": {"reason", "detail", "exchange", "feed", "received_at_ms", "payload"},
    "RejectedEntry": {"entry", "reason", "detail"},
    "FeedStatus": {"exchange", "feed", "connection", "event", "timestamp_ms"},
    "Instrument": {
        "exchange", "native_symbol", "base", "quote", "settle", "contract", "contract_size",
        "as_of",
    },
    "DetectionStatus": {
        "detector", "worker", "timestamp_ms", "partition_count", "assigned_count",
    },
    "Undelivered": {"receiver", "message_id", "reason", "detail", "timestamp_ms", "payload"},
    "OpenPosition": {
        "position_id", "exchange", "symbol", "native_symbol", "base", "side", "quantity",
        "value_usd", "mark_price", "timestamp_ms",
    },
    "Rate": {"currency", "usd", "timestamp_ms", "source"},
    "Pulse": {
        "asset", "side", "timestamp_ms", "slices", "exchanges", "complete_count",
        "largest_event_id", "largest_usd",
    },
    "Source": {"topic", "partition", "offset"},
    "ScoreParts": {"speed", "volume", "imbalance", "concentration"},
    "CascadeShare": {"name", "first_ms", "cell_count", "value_usd"},
    "CascadePrice": {
        "kind", "exchange", "symbol", "first", "first_ms", "now", "now_ms", "move_bps",
    },
    "CascadeEstimate": {"value_usd", "low_usd", "high_usd"},
    "CascadeEvents": {"asset", "side", "from_ms", "to_ms", "received_before_ms"},
    "CascadeAnalysis": {
        "surprise", "surprise_window_seconds", "normal_per_hour", "times_normal", "cell_count",
        "shares", "complete_share", "largest_usd", "peak_second_usd", "peak_ten_seconds_usd",
        "peak_window_usd",
    },
    "PulseSlice": {"second_ms", "event_count", "value_usd"},
}  # fmt: skip


def example_files() -> list[Path]:
    return sorted(EXAMPLES.glob("*.json"))


@pytest.mark.parametrize("path", example_files(), ids=lambda path: path.stem)
def test_a_stored_example_fits_its_schema_and_keeps_parsing(path: Path) -> None:
    record_type = TYPES[path.name.partition(".")[0]]
    document = orjson.loads(path.read_bytes())
    Draft202012Validator(schema_of(record_type)).validate(document)
    written = orjson.loads(encode(decode(record_type, path.read_bytes())))
    Draft202012Validator(schema_of(record_type)).validate(written)
    assert_holds(written, document)


def assert_holds(written: Any, stored: Any) -> None:
    """Everything that was stored is written again, unchanged; new fields may stand beside it."""
    if isinstance(stored, dict):
        for name, value in stored.items():
            assert_holds(written[name], value)
    elif isinstance(stored, list):
        assert len(written) == len(stored)
        for item, value in zip(written, stored, strict=True):
            assert_holds(item, value)
    else:
        assert written == stored


def names_in(document: Any) -> Any:
    """A document's names at every depth, without its values."""
    if isinstance(document, dict):
        return {name: names_in(value) for name, value in document.items()}
    if isinstance(document, list):
        return [names_in(value) for value in document]
    return None


@pytest.mark.parametrize("name", TYPES)
def test_an_example_with_every_field_is_written_as_it_is_stored(name: str) -> None:
    complete = []
    for path in example_files():
        stored = path.read_bytes().rstrip(b"\n")
        if path.name.startswith(f"{name}."):
            written = encode(decode(TYPES[name], stored))
            if names_in(orjson.loads(written)) == names_in(orjson.loads(stored)):
                complete.append(path)
                assert written == stored
    assert complete


@pytest.mark.parametrize("name", TYPES)
def test_a_record_of_the_first_writer_is_stored(name: str) -> None:
    stored = orjson.loads((EXAMPLES / f"{name}.old.json").read_bytes())
    assert set(stored) == REQUIRED_AT_VERSION_1[name]


def filled_fields(record: Any) -> set[tuple[str, str]]:
    """(record type, field) of everything that holds a value, at every depth."""
    if isinstance(record, tuple):
        return set().union(*(filled_fields(item) for item in record))
    if not is_dataclass(record):
        return set()
    found = set()
    for field in fields(record):
        value = getattr(record, field.name)
        if value is not None and value != ():
            found |= {(type(record).__name__, field.name), *filled_fields(value)}
    return found


def test_every_field_is_filled_in_some_example() -> None:
    filled = set()
    for path in example_files():
        filled |= filled_fields(decode(TYPES[path.name.partition(".")[0]], path.read_bytes()))
    assert filled == {
        (name, field.name) for name, part in ALL_TYPES.items() for field in fields(part)
    }


@pytest.mark.parametrize("name", sorted(ALL_TYPES))
def test_required_fields_are_those_of_version_1(name: str) -> None:
    assert set(schema_of(ALL_TYPES[name])["required"]) == REQUIRED_AT_VERSION_1[name]


def test_every_field_is_described_and_no_other() -> None:
    assert {name: set(described) for name, described in DESCRIPTIONS.items()} == {
        name: {field.name for field in fields(part)} for name, part in ALL_TYPES.items()
    }


@pytest.mark.parametrize("name", TYPES)
def test_a_newer_writers_fields_are_ignored(name: str) -> None:
    path = next(path for path in example_files() if path.name.startswith(f"{name}."))
    document = orjson.loads(path.read_bytes()) | {"a_field_of_tomorrow": {"nested": [1]}}
    Draft202012Validator(schema_of(TYPES[name])).validate(document)
    assert decode(TYPES[name], orjson.dumps(document)) == decode(TYPES[name], path.read_bytes())


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert outdated_files() == []
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_an_out_of_date_file_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("liq.schemas.generate.DIRECTORY", tmp_path)
    assert main(["--check"]) == 1
    assert "Liquidation.schema.json is out of date" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert {path.name for path in generated_files()} >= {"asyncapi.json"}


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_schemas_are_valid_json_schema(record_type: type) -> None:
    Draft202012Validator.check_schema(schema_of(record_type))


def test_the_asyncapi_document_has_every_public_topic_as_it_is_created() -> None:
    channels = asyncapi_document("1.0.0")["channels"]
    addresses = {channel["address"]: channel for channel in channels.values()}
    specs = [spec for spec in Topics().specs(("okx",)) if spec.is_public]
    assert set(addresses) == {spec.name for spec in specs}
    for spec in specs:
        kafka = addresses[spec.name]["bindings"]["kafka"]
        topic = kafka["topicConfiguration"]
        assert topic["cleanup.policy"] == [spec.cleanup.value]
        assert topic.get("retention.ms") == (
            spec.retention_ms if spec.cleanup is Cleanup.DELETE else None
        )
        assert kafka.get("partitions") == spec.partitions
        for name, message in addresses[spec.name]["messages"].items():
            key = message["bindings"]["kafka"]["key"]["description"]
            assert key == ("heartbeat" if name == "heartbeat" else spec.key)


def test_the_asyncapi_document_says_what_each_topic_holds() -> None:
    document = asyncapi_document("1.0.0")
    held = {name: set(channel["messages"]) for name, channel in document["channels"].items()}
    assert held == {
        "liquidations.feeds": {"FeedStatus"},
        "liquidations.events": {"Liquidation", "heartbeat"},
        "liquidations.large": {"Liquidation"},
        "liquidations.watch": {"CascadeAlert"},
        "liquidations.cascades": {"CascadeAlert"},
        "liquidations.status": {"DetectionStatus"},
    }
    heartbeat = document["channels"]["liquidations.events"]["messages"]["heartbeat"]
    assert heartbeat["headers"]["required"] == [name for name, _ in heartbeat_headers(1)]
    codecs = {channel["x-compression"] for channel in document["channels"].values()}
    assert codecs == {"gzip"}


def test_the_asyncapi_document_lists_the_headers_that_public_records_have() -> None:
    channels = asyncapi_document("1.0.0")["channels"]
    written = {
        "Liquidation": liquidation_headers(decode(Liquidation, example("Liquidation.okx"))),
        "CascadeAlert": alert_headers(decode(CascadeAlert, example("CascadeAlert.detected"))),
        "FeedStatus": feed_headers(decode(FeedStatus, example("FeedStatus.gap")), b""),
        "DetectionStatus": status_headers(
            decode(DetectionStatus, example("DetectionStatus.behind"))
        ),
    }
    described = 0
    for channel in channels.values():
        for name, message in channel["messages"].items():
            if name != "heartbeat":
                listed = message["headers"]
                assert set(listed["properties"]) == {header for header, _ in written[name]}
                assert set(listed["required"]) == set(listed["properties"]) - set(OPTIONAL)
                for header, value in written[name]:
                    Draft202012Validator(listed["properties"][header]).validate(value.decode())
                described += 1
    assert described == 6


def schemas_within(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            yield from schemas_within(part)


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_generators_find_what_they_need(record_type: type) -> None:
    for schema in schemas_within(schema_of(record_type)):
        kinds = schema.get("type", ())
        if "integer" in ([kinds] if isinstance(kinds, str) else kinds):
            assert schema["format"] == "int64"
        if "enum" in schema or "properties" in schema:
            assert schema["title"][0].isupper()


def test_no_two_types_share_a_title() -> None:
    titled: dict[str, dict[str, Any]] = {}
    for record_type in RECORD_TYPES:
        for schema in schemas_within(schema_of(record_type)):
            if isinstance(schema.get("title"), str) and "$schema" not in schema:
                bare = {name: part for name, part in schema.items() if name != "description"}
                assert titled.setdefault(schema["title"], bare) == bare


def example(name: str) -> bytes:
    return (EXAMPLES / f"{name}.json").read_bytes()


def test_the_asyncapi_document_resolves() -> None:
    document = asyncapi_document("1.0.0")
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            reference = message["payload"].get("$ref")
            assert reference is None or (
                reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
            )
    operated = {item["channel"]["$ref"] for item in document["operations"].values()}
    assert operated == {f"#/channels/{name}" for name in document["channels"]}
