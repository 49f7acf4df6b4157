"""CloudEvents 1.0 attributes of the public records, as Kafka headers in binary content mode.

Every header is a function of the record alone. A redelivered or replayed record has the headers of
the first one, so `ce_source` and `ce_id` together identify it, like `event_id` and `alert_id`. A
copy on `liquidations.large` has the headers of the original event.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.units import MINUTE_MS, SECOND_MS

SPEC_VERSION, ID, SOURCE, TYPE = "ce_specversion", "ce_id", "ce_source", "ce_type"
TIME, SUBJECT, CONTENT_TYPE = "ce_time", "ce_subject", "content-type"
# Extensions, for readers that route records without parsing them.
SIDE, LEVEL = "ce_side", "ce_level"
# Attributes of every record, and attributes of some records.
REQUIRED: Final = (SPEC_VERSION, CONTENT_TYPE, TYPE, SOURCE, ID)
OPTIONAL: Final = (TIME, SUBJECT)
EXTENSIONS: Final[Mapping[type, tuple[str, ...]]] = {
    Liquidation: (SIDE,),
    CascadeAlert: (SIDE, LEVEL),
}

# The project has no domain, so its name is the prefix.
TYPE_PREFIX: Final = "liquidation-engine"
EXCHANGE_SOURCE: Final = "/liquidation-engine/exchanges/"
FEED_SOURCE: Final = "/liquidation-engine/feeds/"
DETECTOR_SOURCE: Final = "/liquidation-engine/detector"

MAX_CACHED: Final = 1024
FEED_ID_BYTES: Final = 16
END_OF_YEAR_9999_MS: Final = 253_402_300_800_000  # RFC 3339 has four digits for a year
_SHARED: Final = ((SPEC_VERSION, b"1.0"), (CONTENT_TYPE, b"application/json"))
_SECONDS: Final = tuple(b"%02d" % second for second in range(MINUTE_MS // SECOND_MS))
_MILLISECONDS: Final = tuple(b".%03dZ" % millisecond for millisecond in range(SECOND_MS))

CloudEventHeaders = list[tuple[str, bytes]]


def liquidation_headers(event: Liquidation) -> CloudEventHeaders:
    """Return the headers of a liquidation; the subject is the unified symbol."""
    headers = [
        *_constant(
            "liquidation", event.schema_version, EXCHANGE_SOURCE, event.exchange, event.side
        ),
        (ID, event.event_id.encode()),
        (SUBJECT, event.symbol.encode()),
    ]
    _add_time(headers, event.timestamp_ms)
    return headers


def alert_headers(alert: CascadeAlert) -> CloudEventHeaders:
    """Return the headers of an alert; the subject is the asset, absent for the market."""
    step = alert.type.lower().replace("_", ".")  # CASCADE_ENDED: cascade.ended
    headers = [
        *_constant(step, alert.schema_version, DETECTOR_SOURCE, "", alert.side),
        (ID, alert.alert_id.encode()),
        (LEVEL, alert.level.encode()),
    ]
    if alert.asset:
        headers.append((SUBJECT, alert.asset.encode()))
    _add_time(headers, alert.timestamp_ms)
    return headers


def feed_headers(status: FeedStatus, value: bytes) -> CloudEventHeaders:
    """Return the headers of a feed record; the subject is the feed.

    A feed record has no id, so its `ce_id` is a digest of `value`, its canonical JSON.
    """
    headers = [
        *_constant(f"feed.{status.event}", status.schema_version, FEED_SOURCE, status.exchange),
        (ID, blake2b(value, digest_size=FEED_ID_BYTES).hexdigest().encode()),
        (SUBJECT, status.feed.encode()),
    ]
    _add_time(headers, status.timestamp_ms)
    return headers


def status_headers(status: DetectionStatus) -> CloudEventHeaders:
    """Return the headers of a detection status; the subject is the worker that writes it."""
    worker = status.worker.encode()
    headers = [
        *_constant("detection.status", status.schema_version, DETECTOR_SOURCE),
        (ID, b"%s:%d" % (worker, status.timestamp_ms)),
        (SUBJECT, worker),
    ]
    _add_time(headers, status.timestamp_ms)
    return headers


def event_type(name: str, schema_version: int) -> str:
    """Return the `ce_type` of a kind of record; a new schema version is a new type."""
    return f"{TYPE_PREFIX}.{name}.v{schema_version}"


@lru_cache(MAX_CACHED)
def _constant(
    name: str, schema_version: int, source: str, exchange: str = "", side: str = ""
) -> tuple[tuple[str, bytes], ...]:
    """Return the headers that records of one kind, source and side share."""
    of_side = ((SIDE, side.encode()),) if side else ()
    return (
        *_SHARED,
        (TYPE, event_type(name, schema_version).encode()),
        (SOURCE, f"{source}{quote(exchange, safe='')}".encode()),
        *of_side,
    )


def _add_time(headers: CloudEventHeaders, timestamp_ms: int) -> None:
    """Append the time (RFC 3339, UTC) if the year has four digits."""
    if 0 <= timestamp_ms < END_OF_YEAR_9999_MS:
        minute, rest_ms = divmod(timestamp_ms, MINUTE_MS)
        second, millisecond = divmod(rest_ms, SECOND_MS)
        headers.append((TIME, _minute_text(minute) + _SECONDS[second] + _MILLISECONDS[millisecond]))


@lru_cache(MAX_CACHED)
def _minute_text(minute: int) -> bytes:
    """Return a minute since 1970 as `2026-07-10T13:05:`."""
    start = datetime.fromtimestamp(minute * MINUTE_MS // SECOND_MS, UTC)
    return start.strftime("%Y-%m-%dT%H:%M:").encode()
