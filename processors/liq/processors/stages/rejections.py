"""Rejections as records, limited to the size that Kafka accepts."""

from dataclasses import replace
from typing import Any

from liq.runtime.believed_time import written_at_ms
from liq.runtime.kafka import MAX_REQUEST_BYTES
from liq.runtime.metrics import REJECTED
from liq.runtime.sending import OutputRecord
from liq.schemas.codec import encode
from liq.schemas.records import Rejected, Source
from liq.schemas.vocabulary import RejectReason

MAX_DETAIL_CHARACTERS = 300
# The details of a hundred entries stay below these bytes, whatever their characters. Base64 encodes
# three bytes as four.
OTHER_FIELDS_BYTES = 4 * 65_536
MAX_PAYLOAD_BYTES = (MAX_REQUEST_BYTES - OTHER_FIELDS_BYTES) // 4 * 3


def deliverable(rejected: Rejected) -> Rejected:
    """Return the rejection, with a payload that is too large for Kafka cut off.

    The engine's producers send no such frames, but others might. The record at `source` keeps all
    bytes.
    """
    size = len(rejected.payload)
    if size <= MAX_PAYLOAD_BYTES:
        return rejected
    detail = f"{rejected.detail} Of {size} bytes, the first {MAX_PAYLOAD_BYTES} are kept here."
    return replace(rejected, detail=detail, payload=rejected.payload[:MAX_PAYLOAD_BYTES])


def refused_record(topic: str, stage: str, message: Any, detail: str) -> OutputRecord:
    """Return the rejection of a Kafka message as a record, and count it."""
    rejected = Rejected(
        reason=RejectReason.UNKNOWN_MESSAGE,
        detail=detail[:MAX_DETAIL_CHARACTERS],
        exchange="",
        feed="",
        received_at_ms=written_at_ms(message),
        payload=message.value or b"",
        stage=stage,
        source=Source(message.topic, message.partition, message.offset),
    )
    REJECTED.labels("", rejected.reason).inc()
    return OutputRecord(topic, stage.encode(), encode(deliverable(rejected)))
