"""The contract both ways: what was written once keeps parsing, what we write fits the schemas."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.asyncapi import RECORD_TYPES, asyncapi_document
from schemas.codec import decode, encode
from schemas.generate import generated_files, main, outdated_files
from schemas.json_schema import schema_of
from schemas.topics import Cleanup, Topics

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
TYPES = {record.__name__: record for record in RECORD_TYPES}

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
    "FeedStatus": {"exchange", "feed", "connection", "event", "timestamp_ms"},
    "Instrument": {
        "exchange", "native_symbol", "base", "quote", "settle", "contract", "contract_size",
        "as_of",
    },
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
    else:
        assert written == stored


@pytest.mark.parametrize("name", TYPES)
def test_every_record_has_an_example(name: str) -> None:
    assert [path for path in example_files() if path.name.startswith(f"{name}.")]


@pytest.mark.parametrize("name", REQUIRED_AT_VERSION_1)
def test_required_fields_are_those_of_version_1(name: str) -> None:
    assert set(schema_of(TYPES[name])["required"]) == REQUIRED_AT_VERSION_1[name]
    assert any(path.name == f"{name}.old.json" for path in example_files())


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
    monkeypatch.setattr("schemas.generate.DIRECTORY", tmp_path)
    assert main(["--check"]) == 1
    assert "Liquidation.schema.json is out of date" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert {path.name for path in generated_files()} >= {"asyncapi.json"}


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_schemas_are_valid_json_schema(record_type: type) -> None:
    Draft202012Validator.check_schema(schema_of(record_type))


def test_the_asyncapi_document_names_every_topic_and_resolves() -> None:
    document = asyncapi_document("1.0.0")
    specs = Topics().specs(("EXCHANGE",))
    assert set(document["channels"]) == {spec.name for spec in specs}
    for spec in specs:
        channel = document["channels"][spec.name]
        topic = channel["bindings"]["kafka"]["topicConfiguration"]
        assert topic["cleanup.policy"] == [spec.cleanup.value]
        assert ("retention.ms" in topic) is (spec.cleanup is Cleanup.DELETE)
        payload = channel["messages"]["record"]["payload"]
        if "$ref" in payload:
            name = payload["$ref"].removeprefix("#/components/schemas/")
            assert name in document["components"]["schemas"]
    operated = {item["channel"]["$ref"] for item in document["operations"].values()}
    assert operated == {f"#/channels/{spec.name}" for spec in specs}
