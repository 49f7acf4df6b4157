"""Kafka headers, and the heartbeats that carry a log's clock through silence.

A heartbeat is a record with a null value: nothing was liquidated, and the clock has reached a
time. Producers put one a second into their raw topic; the normalizer passes them on into every
partition of `liquidations.events`. So a reader can tell a quiet market from a dead pipeline, and
the detector can end a cascade without ever asking the wall clock.

Anybody can write a header. So every reader here accepts any bytes and returns what is absent for
what is malformed: no value, another script's digits, a number that no 64-bit integer holds.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from liq.schemas.plausible_time import LATEST_MS

#: Kafka allows a header without a value.
Headers = Sequence[tuple[str, bytes | None]]

EXCHANGE = "exchange"
FEED = "feed"
RECEIVED_AT_NS = "received_at_ns"
CONNECTION = "connection"
SEQUENCE = "sequence"
CLOCK_MS = "clock_ms"
# On `liquidations.pulse`: the events partition that a record is about, and what the value is.
SOURCE_PARTITION = "source_partition"
RECORD = "record"
PULSE, CASCADE = "pulse", "cascade"
# The events partition goes on with another log. Such a record has no value, so that older readers
# take it for a heartbeat.
REPLACED = "replaced"
# The name of a log: Kafka's id of its topic.
LOG = "log"
# The detector that wrote the snapshots of a partition.
DETECTOR = "detector"
# Of a raw frame: the contracts that it waited for, and the rates of its time.
RETRY = "retry"
# Of a parked frame: its key in the raw topic.
RAW_KEY = "raw_key"
RATES = "rates"
# Kafka clients refuse a record with neither key nor value.
HEARTBEAT_KEY = b"heartbeat"
# The `feed` of a heartbeat in a raw topic.
HEARTBEAT_FEED = "heartbeat"

#: The longest text is that of `rates`; a name is far shorter.
MAX_TEXT_BYTES: Final = 4_096
#: ClickHouse and Kafka's own offsets hold no larger integer.
MAX_INTEGER: Final = 2**63 - 1
_is_integer: Final = re.compile(rb"[0-9]{1,19}").fullmatch


@dataclass(frozen=True, slots=True)
class FrameHeaders:
    """Where and when a raw frame was received.

    `received_at_ns` is the producer's UTC clock in nanoseconds; `sequence` counts the frames of
    one `connection` from 0. `rates` is the text of `liq.schemas.frame_rates`, empty for none.
    """

    exchange: str
    feed: str
    received_at_ns: int
    connection: str
    sequence: int
    rates: bytes = b""

    def encode(self) -> list[tuple[str, bytes]]:
        """The headers in Kafka's form."""
        encoded = [
            (EXCHANGE, self.exchange.encode()),
            (FEED, self.feed.encode()),
            (RECEIVED_AT_NS, b"%d" % self.received_at_ns),
            (CONNECTION, self.connection.encode()),
            (SEQUENCE, b"%d" % self.sequence),
        ]
        if self.rates:
            encoded.append((RATES, self.rates))
        return encoded


@dataclass(frozen=True, slots=True)
class Retry:
    """The contracts that a parked or retried frame waits or waited for (header `retry`).

    A retried frame is read once the instruments topic was read up to `offset`, if there is one.
    `attempt` counts how often the frame was retried. Where `is_final`, no listing has a contract.
    """

    contracts: tuple[str, ...]
    attempt: int = 0
    offset: int | None = None
    is_final: bool = False

    def encode(self) -> tuple[str, bytes]:
        """The header in Kafka's form."""
        document = {
            "contracts": self.contracts,
            "attempt": self.attempt,
            "offset": self.offset,
            "final": self.is_final,
        }
        return RETRY, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def retry_header(headers: Headers | None) -> Retry | None:
    """The retry header of a frame; None for a frame without one, or with one that is broken."""
    for key, value in headers or ():
        if key == RETRY:
            try:
                return _retry(orjson.loads(value or b""))
            except (orjson.JSONDecodeError, TypeError, KeyError):
                return None
    return None


def _retry(document: Any) -> Retry | None:
    contracts, attempt, offset, is_final = (
        document[name] for name in ("contracts", "attempt", "offset", "final")
    )
    is_whole = (
        type(contracts) is list
        and bool(contracts)
        and all(type(symbol) is str for symbol in contracts)
        and _is_count(attempt)
        and (offset is None or _is_count(offset))
        and type(is_final) is bool
    )
    return Retry(tuple(contracts), attempt, offset, is_final) if is_whole else None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def text_header(headers: Headers | None, name: str) -> str:
    """The first header of that name as text; empty when absent.

    Bytes that are not UTF-8 are replaced; those beyond `MAX_TEXT_BYTES` are left out.
    """
    for key, value in headers or ():
        if key == name:
            return (value or b"")[:MAX_TEXT_BYTES].decode("utf-8", errors="replace")
    return ""


def integer_header(headers: Headers | None, name: str) -> int | None:
    """The first header of that name as an integer from 0 to `MAX_INTEGER`, or None."""
    for key, value in headers or ():
        if key == name:
            if value is None or _is_integer(value) is None:
                return None
            number = int(value)
            return number if number <= MAX_INTEGER else None
    return None


def clock_header(headers: Headers | None) -> int | None:
    """The time that a heartbeat says its log has reached (UTC, ms), or None.

    A time beyond `LATEST_MS` is in another unit, or damaged.
    """
    clock_ms = integer_header(headers, CLOCK_MS)
    return clock_ms if clock_ms is not None and clock_ms < LATEST_MS else None


def heartbeat_headers(clock_ms: int) -> list[tuple[str, bytes]]:
    """Headers of a heartbeat in an events partition."""
    return [(CLOCK_MS, b"%d" % clock_ms)]


def pulse_headers(source: int, record: str, clock_ms: int) -> list[tuple[str, bytes]]:
    """Headers of a record on the pulse topic; `record` is `PULSE` or `CASCADE`.

    `clock_ms` is what the events partition had reached before it brought this.
    """
    return [*pulse_heartbeat_headers(source, clock_ms), (RECORD, record.encode())]


def replaced_headers(source: int, log: str) -> list[tuple[str, bytes]]:
    """Headers of a record on the pulse topic: an events partition goes on with another log."""
    return [
        (SOURCE_PARTITION, b"%d" % source),
        (RECORD, REPLACED.encode()),
        (LOG, log.encode()),
    ]


def pulse_heartbeat_headers(source: int, clock_ms: int) -> list[tuple[str, bytes]]:
    """Headers of a heartbeat on the pulse topic: an events partition has reached a time."""
    return [(SOURCE_PARTITION, b"%d" % source), (CLOCK_MS, b"%d" % clock_ms)]
