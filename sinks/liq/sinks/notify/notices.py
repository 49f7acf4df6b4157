"""Notices: records of topics, and reports of this process, that rules may select."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import orjson

from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Level, Side
from liq.sinks.notify.inert import DIGEST_BYTES, inert_id

#: A larger record is refused; alerts of the engine are far smaller.
MAX_DOCUMENT_BYTES: Final = 256 * 1024


class Kind(StrEnum):
    """The kind of a notice's record."""

    ALERT = "alert"
    LIQUIDATION = "liquidation"
    FEED = "feed"
    DETECTOR = "detector"
    RECEIVER = "receiver"


class Condition(StrEnum):
    """The condition of detection: behind, caught up again, or without a status."""

    BEHIND = "behind"
    RECOVERED = "recovered"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorReport:
    """A change of the detector's condition under the patience of one rule.

    `status` is the newest status, None before the first one. `since_ms` (UTC) is the time of the
    first status of the condition, or the arrival of the last status before the silence.
    """

    condition: Condition
    patience_seconds: int
    since_ms: int
    status: DetectionStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """A disabled receiver, with the times (UTC, ms) of its disabling and of its first failure.

    `reason` is the result of its last attempt, without an address.
    """

    name: str
    disabled_at_ms: int
    failing_since_ms: int
    reason: str


Record = CascadeAlert | Liquidation | FeedStatus | DetectorReport | ReceiverReport


@dataclass(frozen=True, slots=True)
class Notice:
    """A record with its id; `document` is the record's JSON from the topic.

    `id` is plain ASCII, and the same at every redelivery of the record.
    """

    id: str
    kind: Kind
    record: Record
    document: bytes

    @property
    def timestamp_ms(self) -> int:
        """The time of the record (UTC, ms)."""
        if isinstance(self.record, DetectorReport):
            return self.record.since_ms
        if isinstance(self.record, ReceiverReport):
            return self.record.disabled_at_ms
        return self.record.timestamp_ms

    @property
    def type(self) -> str:
        """The event's type as in the engine's CloudEvents: `cascade.detected`, `feed.gap`."""
        match self.record:
            case CascadeAlert(type=step):
                return step.lower().replace("_", ".")
            case FeedStatus(event=event):
                return f"feed.{event}"
            case DetectorReport(condition=condition):
                return f"detector.{condition}"
            case ReceiverReport():
                return "receiver.disabled"
            case Liquidation():
                return "liquidation"

    @property
    def subject(self) -> str:
        """The asset, feed, detector or receiver, which is the key of cool-downs."""
        match self.record:
            case CascadeAlert(asset=asset):
                return asset
            case Liquidation(base=base):
                return base
            case FeedStatus(exchange=exchange, feed=feed):
                return f"{exchange}/{feed}"
            case DetectorReport():
                return "detector"
            case ReceiverReport(name=name):
                return name

    @property
    def side(self) -> Side | None:
        """The side of the liquidated positions; None for other kinds of records."""
        return self.record.side if isinstance(self.record, CascadeAlert | Liquidation) else None

    @property
    def level(self) -> Level | None:
        """The level of an alert's cascade; None for other kinds of records."""
        return self.record.level if isinstance(self.record, CascadeAlert) else None

    @property
    def cascade_id(self) -> str | None:
        """The id of an alert's cascade; None for other kinds of records."""
        return self.record.cascade_id if isinstance(self.record, CascadeAlert) else None

    @property
    def receiver(self) -> str | None:
        """The reported receiver, which does not get this notice; None for other kinds."""
        return self.record.name if isinstance(self.record, ReceiverReport) else None

    @property
    def is_link(self) -> bool:
        """Whether the record links an asset's cascade to a market cascade."""
        return isinstance(self.record, CascadeAlert) and self.record.type is AlertType.LINKED


def read_notice(kind: Kind, document: bytes) -> Notice:
    """Parse a notice from a record's JSON.

    Raises:
        DecodeError: the document is too large or not a record of this kind.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise DecodeError(f"{len(document)} bytes, and at most {MAX_DOCUMENT_BYTES} are told")
    match kind:
        case Kind.ALERT:
            alert = decode(CascadeAlert, document)
            return Notice(inert_id(alert.alert_id), kind, alert, document)
        case Kind.LIQUIDATION:
            event = decode(Liquidation, document)
            return Notice(inert_id(event.event_id), kind, event, document)
        case Kind.FEED:
            status = decode(FeedStatus, document)
            # As for `ce_id`, because a feed record has no id field.
            digest = blake2b(document, digest_size=DIGEST_BYTES).hexdigest()
            return Notice(digest, kind, status, document)
        case Kind.DETECTOR:
            return detector_notice(_read_report(document))
        case Kind.RECEIVER:
            return receiver_notice(_read_receiver_report(document))


def detector_notice(report: DetectorReport) -> Notice:
    """Return the notice of a change of the detector's condition."""
    seconds = report.since_ms // SECOND_MS
    notice_id = f"detector-{report.condition}-{report.patience_seconds}-{seconds}"
    document = {
        "condition": report.condition,
        "patience_seconds": report.patience_seconds,
        "since_ms": report.since_ms,
        "status": None if report.status is None else orjson.Fragment(encode(report.status)),
    }
    return Notice(notice_id, Kind.DETECTOR, report, orjson.dumps(document))


def receiver_notice(report: ReceiverReport) -> Notice:
    """Return the notice of a disabled receiver."""
    notice_id = f"receiver-disabled-{report.name}-{report.disabled_at_ms}"
    return Notice(notice_id, Kind.RECEIVER, report, orjson.dumps(report))


def _read_receiver_report(document: bytes) -> ReceiverReport:
    try:
        found: dict[str, Any] = orjson.loads(document)
        return ReceiverReport(
            name=str(found["name"]),
            disabled_at_ms=int(found["disabled_at_ms"]),
            failing_since_ms=int(found["failing_since_ms"]),
            reason=str(found["reason"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise DecodeError(f"no report of a receiver: {error!r}") from error


def _read_report(document: bytes) -> DetectorReport:
    try:
        found: dict[str, Any] = orjson.loads(document)
        status = found["status"]
        return DetectorReport(
            condition=Condition(found["condition"]),
            patience_seconds=int(found["patience_seconds"]),
            since_ms=int(found["since_ms"]),
            status=None if status is None else decode(DetectionStatus, orjson.dumps(status)),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise DecodeError(f"no report of the detector: {error!r}") from error
