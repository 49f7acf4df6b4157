"""An AsyncAPI 3.0 document of the topics, with Kafka bindings."""

from dataclasses import dataclass
from typing import Any

from schemas.json_schema import schema_of
from schemas.records import (
    CascadeAlert,
    FeedStatus,
    Instrument,
    Liquidation,
    Pulse,
    Rejected,
)
from schemas.topics import DEFAULT_NAMESPACE, Topics, TopicSpec

RECORD_TYPES: tuple[type, ...] = (
    Liquidation,
    CascadeAlert,
    Rejected,
    FeedStatus,
    Instrument,
    Pulse,
)
BINDING_VERSION = "0.5.0"


@dataclass(frozen=True, slots=True)
class _Content:
    """What a topic holds: a record type, or something described in words."""

    record_type: type | None
    words: str = ""


def asyncapi_document(version: str) -> dict[str, Any]:
    """The document for the default namespace; one raw topic stands for all venues."""
    topics = Topics(DEFAULT_NAMESPACE)
    specs = topics.specs(("EXCHANGE",))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "liquidation-engine",
            "version": version,
            "description": "Liquidations of many exchanges, and cascades of them. Delivery is at "
            "least once; event_id and alert_id are the same for the same thing.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {spec.name: _channel(spec, _content(topics, spec.name)) for spec in specs},
        "operations": {
            f"read {spec.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_pointer(spec.name)}"},
            }
            for spec in specs
        },
        "components": {"schemas": {record.__name__: schema_of(record) for record in RECORD_TYPES}},
    }


def _content(topics: Topics, name: str) -> _Content:
    records: dict[str, type] = {
        topics.feeds: FeedStatus,
        topics.instruments: Instrument,
        topics.events: Liquidation,
        topics.large: Liquidation,
        topics.cascades: CascadeAlert,
        topics.rejected: Rejected,
    }
    if name in records:
        return _Content(records[name])
    if name == topics.detector_state:
        return _Content(None, "Packed detector state; internal, may change with any version.")
    return _Content(None, "One frame of the exchange, byte for byte.")


def _channel(spec: TopicSpec, content: _Content) -> dict[str, Any]:
    payload = (
        {"$ref": f"#/components/schemas/{content.record_type.__name__}"}
        if content.record_type
        else {"type": "string", "format": "binary", "description": content.words}
    )
    configuration: dict[str, Any] = {"cleanup.policy": [spec.cleanup.value]}
    if spec.cleanup.value == "delete":
        configuration["retention.ms"] = spec.retention_ms
    kafka: dict[str, Any] = {
        "topicConfiguration": configuration,
        "bindingVersion": BINDING_VERSION,
    }
    if spec.partitions is not None:
        kafka["partitions"] = spec.partitions
    return {
        "address": spec.name,
        "description": spec.description,
        "messages": {
            "record": {
                "payload": payload,
                "bindings": {
                    "kafka": {
                        "key": {"type": "string", "description": spec.key},
                        "bindingVersion": BINDING_VERSION,
                    }
                },
            }
        },
        "bindings": {"kafka": kafka},
    }


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
