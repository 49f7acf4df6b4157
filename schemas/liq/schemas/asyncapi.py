"""An AsyncAPI 3.1 document of the public topics, with Kafka bindings."""

from dataclasses import dataclass
from typing import Any, Final

from liq.schemas import cloud_events, headers
from liq.schemas.json_schema import schema_of
from liq.schemas.records import (
    SCHEMA_VERSION,
    CascadeAlert,
    DetectionStatus,
    FeedStatus,
    Instrument,
    Liquidation,
    OpenPosition,
    Pulse,
    Rate,
    Rejected,
    Undelivered,
)
from liq.schemas.topics import DEFAULT_NAMESPACE, Topics, TopicSpec
from liq.schemas.vocabulary import Level, Side

RECORD_TYPES: tuple[type, ...] = (
    Liquidation,
    CascadeAlert,
    Rejected,
    FeedStatus,
    Instrument,
    Pulse,
    Rate,
    OpenPosition,
    DetectionStatus,
    Undelivered,
)
PUBLIC_RECORD_TYPES: tuple[type, ...] = (Liquidation, CascadeAlert, FeedStatus, DetectionStatus)
BINDING_VERSION = "0.5.0"
HEADER_MEANINGS: Final = {
    headers.CLOCK_MS: "What the log's clock has reached: milliseconds since 1970, UTC, in digits.",
    headers.BLIND: "Venues, or `venue:feed`, of which nothing is received; absent where "
    "there is none.",
    cloud_events.SPEC_VERSION: "Version of CloudEvents: `1.0`.",
    cloud_events.CONTENT_TYPE: "`application/json`.",
    cloud_events.TYPE: "Kind of record and `schema_version`, such as "
    f"`{cloud_events.event_type('liquidation', SCHEMA_VERSION)}`.",
    cloud_events.SOURCE: "What it is about: an exchange, the feeds of one, or the detector.",
    cloud_events.ID: "The same for the same record, however often delivered: `event_id`, "
    "`alert_id`, worker and time of a status, or a digest of the value.",
    cloud_events.TIME: "`timestamp_ms` as RFC 3339; absent where the year has not four digits.",
    cloud_events.SUBJECT: "The unified symbol, the asset, the feed or the worker; absent for the "
    "whole market.",
    cloud_events.SIDE: "The position that was liquidated.",
    cloud_events.LEVEL: "The worst level that the cascade has reached.",
}
HEADER_WORDS: Final[dict[str, dict[str, Any]]] = {
    cloud_events.SIDE: {"enum": [side.value for side in Side]},
    cloud_events.LEVEL: {"enum": [level.value for level in Level]},
    cloud_events.CONTENT_TYPE: {"const": "application/json"},
    cloud_events.SPEC_VERSION: {"const": "1.0"},
}
#: The codec of a topic's batches; the Kafka bindings have no field for it.
CODEC: Final = "x-compression"


@dataclass(frozen=True, slots=True)
class _Message:
    """One kind of record on a topic: its value, its required and its optional headers."""

    name: str
    payload: dict[str, Any]
    header_names: tuple[str, ...] = ()
    optional_names: tuple[str, ...] = ()


def asyncapi_document(version: str) -> dict[str, Any]:
    """Return the document for the default namespace."""
    topics = Topics(DEFAULT_NAMESPACE)
    specs = [spec for spec in topics.specs(()) if spec.is_public]
    messages = _messages(topics)
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "liquidation-engine",
            "version": version,
            "description": "Liquidations of many exchanges, and cascades of them. Delivery is at "
            "least once; event_id and alert_id are the same for the same thing.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {spec.name: _channel(spec, messages[spec.name]) for spec in specs},
        "operations": {
            f"read-{spec.name.removeprefix(f'{topics.namespace}.')}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{spec.name}"},
            }
            for spec in specs
        },
        "components": {
            "schemas": {record.__name__: _component(record) for record in PUBLIC_RECORD_TYPES}
        },
    }


def _component(record_type: type) -> dict[str, Any]:
    """Return a record's schema without its dialect, because the document declares its own."""
    return {name: part for name, part in schema_of(record_type).items() if name != "$schema"}


def _messages(topics: Topics) -> dict[str, tuple[_Message, ...]]:
    """Return the messages of each public topic."""
    return {
        topics.feeds: (_public(FeedStatus),),
        topics.events: (
            _public(Liquidation),
            _heartbeat(headers.CLOCK_MS, optional=(headers.BLIND,)),
        ),
        topics.large: (_public(Liquidation),),
        topics.watch: (_public(CascadeAlert),),
        topics.cascades: (_public(CascadeAlert),),
        topics.status: (_public(DetectionStatus),),
    }


def _public(record_type: type) -> _Message:
    """Return the message of a record type: a CloudEvent in binary content mode."""
    name = record_type.__name__
    return _Message(
        name,
        {"$ref": f"#/components/schemas/{name}"},
        (*cloud_events.REQUIRED, *cloud_events.EXTENSIONS.get(record_type, ())),
        cloud_events.OPTIONAL,
    )


def _heartbeat(*header_names: str, optional: tuple[str, ...] = ()) -> _Message:
    payload = {"type": "null", "description": "No value: the clock has reached a time."}
    return _Message("heartbeat", payload, header_names, optional)


def _channel(spec: TopicSpec, messages: tuple[_Message, ...]) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": [spec.cleanup.value]}
    if spec.cleanup.value == "delete":
        configuration["retention.ms"] = spec.retention_ms
    kafka: dict[str, Any] = {
        "topicConfiguration": configuration,
        "bindingVersion": BINDING_VERSION,
    }
    partitions = "TOPIC_PARTITIONS partitions."
    if spec.partitions is not None:
        kafka["partitions"] = spec.partitions
        partitions = "One partition." if spec.partitions == 1 else f"{spec.partitions} partitions."
    return {
        "address": spec.name,
        "description": f"{spec.description} {partitions} Batches are compressed with "
        f"{spec.compression}, small ones not at all.",
        "messages": {message.name: _message(spec, message) for message in messages},
        "bindings": {"kafka": kafka},
        CODEC: spec.compression,
    }


def _message(spec: TopicSpec, message: _Message) -> dict[str, Any]:
    key = headers.HEARTBEAT_KEY.decode() if message.name == "heartbeat" else spec.key
    written: dict[str, Any] = {
        "payload": message.payload,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": key},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }
    if message.header_names:
        written["headers"] = {
            "type": "object",
            "properties": {
                name: {
                    "type": "string",
                    "description": HEADER_MEANINGS[name],
                    **HEADER_WORDS.get(name, {}),
                }
                for name in (*message.header_names, *message.optional_names)
            },
            "required": list(message.header_names),
        }
    return written
