"""A record of our own topics that a stage cannot decode, as a rejection."""

from typing import Any

from processors.engine.output import OutputRecord
from runtime.metrics import REJECTED
from schemas.codec import encode
from schemas.records import Rejected, Source
from schemas.vocabulary import RejectReason

MAX_DETAIL_CHARACTERS = 300


def refused_record(topic: str, stage: str, message: Any, detail: str) -> OutputRecord:
    """The rejection of a Kafka message, counted and ready for the topic of rejections."""
    rejected = Rejected(
        reason=RejectReason.UNKNOWN_MESSAGE,
        detail=detail[:MAX_DETAIL_CHARACTERS],
        exchange="",
        feed="",
        received_at_ms=int(message.timestamp * 1000),
        payload=message.value,
        stage=stage,
        source=Source(message.topic, message.partition, message.offset),
    )
    REJECTED.labels("", rejected.reason).inc()
    return OutputRecord(topic, stage.encode(), encode(rejected))
