"""An AsyncAPI 3.0 document of the topics, with Kafka bindings."""

from dataclasses import dataclass, replace
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
    Pulse,
    Rate,
    Rejected,
)
from liq.schemas.topics import DEFAULT_NAMESPACE, Topics, TopicSpec

RECORD_TYPES: tuple[type, ...] = (
    Liquidation,
    CascadeAlert,
    Rejected,
    FeedStatus,
    Instrument,
    Pulse,
    Rate,
    DetectionStatus,
)
BINDING_VERSION = "0.5.0"
# One channel stands for the raw topics of all venues.
EXCHANGE_PARAMETER: Final = "{exchange}"
HEADER_MEANINGS: Final = {
    headers.EXCHANGE: "The venue.",
    headers.FEED: "The venue's endpoint; `heartbeat` for a heartbeat.",
    headers.RECEIVED_AT_NS: "The producer's clock: nanoseconds since 1970, UTC, in digits. "
    "Believed up to five seconds beyond the record's append time.",
    headers.CONNECTION: "Which of the producer's connections.",
    headers.SEQUENCE: "Counts the frames of a connection from 0, in digits.",
    headers.CLOCK_MS: "What the log's clock has reached: milliseconds since 1970, UTC, in digits.",
    headers.RETRY: "Contracts that the frame waited for; absent from a frame that did not wait.",
    headers.RATES: "Rates of the frame's time, `CURRENCY=DOLLARS@AGE_MS` with commas; absent where "
    "none is needed.",
    headers.SOURCE_PARTITION: "The events partition that the record is about, in digits.",
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
    headers.RECORD: f"`{headers.PULSE}` or `{headers.CASCADE}`: what the value is.",
}
FRAME_HEADERS: Final = (
    headers.EXCHANGE,
    headers.FEED,
    headers.RECEIVED_AT_NS,
    headers.CONNECTION,
    headers.SEQUENCE,
)
OPTIONAL_FRAME_HEADERS: Final = (headers.RETRY, headers.RATES)


@dataclass(frozen=True, slots=True)
class _Message:
    """One kind of record on a topic: its value, and the headers that it always has or may have."""

    name: str
    payload: dict[str, Any]
    header_names: tuple[str, ...] = ()
    optional_names: tuple[str, ...] = ()


def asyncapi_document(version: str) -> dict[str, Any]:
    """The document for the default namespace."""
    topics = Topics(DEFAULT_NAMESPACE)
    specs = topics.specs((EXCHANGE_PARAMETER,))
    messages = _messages(topics)
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
        "channels": {_channel_id(spec): _channel(spec, messages[spec.name]) for spec in specs},
        "operations": {
            f"read {_channel_id(spec)}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_channel_id(spec)}"},
            }
            for spec in specs
        },
        "components": {"schemas": {record.__name__: schema_of(record) for record in RECORD_TYPES}},
    }


def _messages(topics: Topics) -> dict[str, tuple[_Message, ...]]:
    """What each topic holds."""
    frame = _Message(
        "frame",
        _binary("One frame of the venue, byte for byte."),
        FRAME_HEADERS,
        OPTIONAL_FRAME_HEADERS,
    )
    state = _Message("snapshot", _binary("Packed state; internal, may change with any version."))
    on_pulse = (headers.SOURCE_PARTITION, headers.RECORD)
    return {
        topics.raw(EXCHANGE_PARAMETER): (frame, _heartbeat(*FRAME_HEADERS)),
        topics.feeds: (_public(FeedStatus),),
        topics.instruments: (_record(Instrument),),
        topics.parked: (frame,),
        topics.rates: (_record(Rate),),
        topics.events: (_public(Liquidation), _heartbeat(headers.CLOCK_MS)),
        topics.large: (_public(Liquidation),),
        topics.pulse: (
            _record(Pulse, *on_pulse),
            _record(CascadeAlert, *on_pulse),
            _heartbeat(headers.SOURCE_PARTITION, headers.CLOCK_MS),
        ),
        topics.watch: (_public(CascadeAlert),),
        topics.cascades: (_public(CascadeAlert),),
        topics.status: (_public(DetectionStatus),),
        topics.rejected: (_record(Rejected),),
        topics.market_state: (state,),
        topics.detector_state: (state,),
    }


def _record(record_type: type, *header_names: str) -> _Message:
    name = record_type.__name__
    return _Message(name, {"$ref": f"#/components/schemas/{name}"}, header_names)


def _public(record_type: type) -> _Message:
    """A record of a public topic, which is a CloudEvent in binary content mode."""
    return replace(
        _record(record_type, *cloud_events.REQUIRED), optional_names=cloud_events.OPTIONAL
    )


def _heartbeat(*header_names: str) -> _Message:
    payload = {"type": "null", "description": "No value: the clock has reached a time."}
    return _Message("heartbeat", payload, header_names)


def _binary(description: str) -> dict[str, Any]:
    return {"type": "string", "format": "binary", "description": description}


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
    channel: dict[str, Any] = {
        "address": spec.name,
        "description": f"{spec.description} {partitions} {_codec(spec)}",
        "messages": {message.name: _message(spec, message) for message in messages},
        "bindings": {"kafka": kafka},
    }
    if EXCHANGE_PARAMETER in spec.name:
        channel["parameters"] = {"exchange": {"description": HEADER_MEANINGS[headers.EXCHANGE]}}
    return channel


def _codec(spec: TopicSpec) -> str:
    if spec.is_public:
        return f"Public: batches are compressed with {spec.compression}, small ones not at all."
    return f"Internal: batches are compressed with {spec.compression}."


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
                name: {"type": "string", "description": HEADER_MEANINGS[name]}
                for name in (*message.header_names, *message.optional_names)
            },
            "required": list(message.header_names),
        }
    return written


def _channel_id(spec: TopicSpec) -> str:
    """The topic's name without the parameter, whose braces a reference would have to escape."""
    return spec.name.removesuffix(f".{EXCHANGE_PARAMETER}")
