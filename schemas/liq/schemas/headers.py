"""Kafka headers, and the heartbeats that carry a log's clock through silence.

A heartbeat is a record with a null value and the time that the clock has reached. Producers write
one a second into their raw topic, and the normalizer passes them into every partition of
`liquidations.events`. So a reader can tell a quiet market from a dead pipeline, and the detector
can end a cascade without the wall clock.

Any program can write a header. So every function here accepts any bytes, and treats a malformed
header as absent: no value, digits of another script, a number beyond 64 bits.
"""

import json
import re
from collections.abc import Iterable, Sequence
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
# On `liquidations.pulse`: the events partition of a record, and the type of its value.
SOURCE_PARTITION = "source_partition"
RECORD = "record"
PULSE, CASCADE = "pulse", "cascade"
# On an asset's alert there: its detector has published the alert. Up to commit e5e5d9a, the market
# stage published alerts, and the header is absent.
PUBLISHED = "published"
# The events partition continues with another log. Such a record has no value, so that older readers
# treat it as a heartbeat.
REPLACED = "replaced"
# The name of a log: Kafka's id of its topic.
LOG = "log"
# The number of events partitions grows. On `liquidations.events`, a handoff follows the last record
# of the old number, and a resumption precedes the first of the new one; `grown` reports the latter
# to the market. These records have no value, so that older readers treat them as heartbeats.
HANDOFF, RESUMED, GROWN = "handoff", "resumed", "grown"
GROWTH = "growth"
PARTITIONS = "partitions"
# On a resumption: the lags of venues' clocks, and the runs in which venues are blind.
VENUES = "venues"
BLIND_RUNS = "blind_runs"
# The detector that wrote the snapshots of a partition.
DETECTOR = "detector"
# On a raw frame: the contracts that it waited for (the rates at its receipt are in `RATES`).
RETRY = "retry"
# On a parked frame: its key in the raw topic.
RAW_KEY = "raw_key"
RATES = "rates"
# On a response of a venue's history: the subject of the request, if the response does not have it.
SUBJECT = "subject"
# On a heartbeat: the blind feeds or venues. In a raw topic feeds of its venue, or `*` for all of
# them; in the events topic venues, or venue:feed.
BLIND = "blind"
EVERY_FEED = "*"
# In a raw topic: the position from which a producer can continue, such as in a node's files.
CURSOR = "cursor"
# Kafka clients reject a record with neither key nor value.
HEARTBEAT_KEY = b"heartbeat"
# The `feed` of a heartbeat in a raw topic.
HEARTBEAT_FEED = "heartbeat"

#: The longest text is that of `rates`; names are far shorter.
MAX_TEXT_BYTES: Final = 4_096
#: The largest integer of ClickHouse's columns and of Kafka's offsets.
MAX_INTEGER: Final = 2**63 - 1
#: More than the feeds of all venues.
MAX_BLIND_NAMES: Final = 64
_is_blind_name: Final = re.compile(r"\*|[A-Za-z0-9_.-]{1,32}(:[A-Za-z0-9_.-]{1,32})?").fullmatch
_is_integer: Final = re.compile(rb"[0-9]{1,19}").fullmatch


@dataclass(frozen=True, slots=True)
class FrameHeaders:
    """The origin and the time of receipt of a raw frame.

    `received_at_ns` is the producer's UTC clock in nanoseconds. `sequence` counts the frames of one
    `connection` from 0. `rates` is the text of `liq.schemas.frame_rates`; empty without rates.
    `blind`, on heartbeats only, has the blind feeds. `cursor` is the position from which a producer
    can continue after this record; its format belongs to that producer. `subject` is the subject of
    a request to a history, such as a market; empty for frames that contain it.
    """

    exchange: str
    feed: str
    received_at_ns: int
    connection: str
    sequence: int
    rates: bytes = b""
    blind: tuple[str, ...] = ()
    cursor: str = ""
    subject: str = ""

    def encode(self) -> list[tuple[str, bytes]]:
        """Return the headers in Kafka's form."""
        encoded = [
            (EXCHANGE, self.exchange.encode()),
            (FEED, self.feed.encode()),
            (RECEIVED_AT_NS, b"%d" % self.received_at_ns),
            (CONNECTION, self.connection.encode()),
            (SEQUENCE, b"%d" % self.sequence),
        ]
        if self.rates:
            encoded.append((RATES, self.rates))
        if self.subject:
            encoded.append((SUBJECT, self.subject.encode()))
        encoded += _blind(self.blind)
        if self.cursor:
            encoded.append((CURSOR, self.cursor.encode()))
        return encoded


@dataclass(frozen=True, slots=True)
class Retry:
    """The contracts that a parked frame waits for, or a retried one waited for (header `retry`).

    A retried frame with an `offset` is read once the instruments topic is read up to that offset.
    `attempt` counts the retries of the frame. `is_final` is set if no listing has the contracts.
    """

    contracts: tuple[str, ...]
    attempt: int = 0
    offset: int | None = None
    is_final: bool = False

    def encode(self) -> tuple[str, bytes]:
        """Return the header in Kafka's form."""
        document = {
            "contracts": self.contracts,
            "attempt": self.attempt,
            "offset": self.offset,
            "final": self.is_final,
        }
        return RETRY, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def retry_header(headers: Headers | None) -> Retry | None:
    """Return the retry header of a frame; None if it is absent or malformed."""
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
    """Return the first header of a name as text; empty if it is absent.

    Bytes that are not UTF-8 are replaced, and those beyond `MAX_TEXT_BYTES` are dropped.
    """
    for key, value in headers or ():
        if key == name:
            return (value or b"")[:MAX_TEXT_BYTES].decode("utf-8", errors="replace")
    return ""


def integer_header(headers: Headers | None, name: str) -> int | None:
    """Return the first header of a name as an integer from 0 to `MAX_INTEGER`, or None."""
    for key, value in headers or ():
        if key == name:
            if value is None or _is_integer(value) is None:
                return None
            number = int(value)
            return number if number <= MAX_INTEGER else None
    return None


def clock_header(headers: Headers | None) -> int | None:
    """Return the clock of a heartbeat (UTC, ms), or None.

    A time beyond `LATEST_MS` is in another unit or damaged, and counts as absent.
    """
    clock_ms = integer_header(headers, CLOCK_MS)
    return clock_ms if clock_ms is not None and clock_ms < LATEST_MS else None


def blind_header(headers: Headers | None) -> tuple[str, ...]:
    """Return the blind feeds or venues of a heartbeat, without malformed names."""
    names = text_header(headers, BLIND).split(",")
    return tuple(name for name in names[:MAX_BLIND_NAMES] if _is_blind_name(name))


def _blind(names: Iterable[str]) -> list[tuple[str, bytes]]:
    text = ",".join(names)
    return [(BLIND, text.encode())] if text else []


def heartbeat_headers(clock_ms: int, blind: Iterable[str] = ()) -> list[tuple[str, bytes]]:
    """Return the headers of a heartbeat on the events topic; `blind` are venues, or venue:feed."""
    return [(CLOCK_MS, b"%d" % clock_ms), *_blind(blind)]


def closing_headers(growth: str) -> list[tuple[str, bytes]]:
    """Return the headers of a record that only marks an offset up to which a partition is read."""
    return [(GROWTH, growth.encode())]


def handoff_headers(growth: str, partitions: int, *, clock_ms: int) -> list[tuple[str, bytes]]:
    """Return the headers of a handoff: later records use another number of partitions.

    With a known clock (not 0), it is also a heartbeat, so that all partitions have the same clock.
    """
    return [
        (RECORD, HANDOFF.encode()),
        (GROWTH, growth.encode()),
        (PARTITIONS, b"%d" % partitions),
        *(heartbeat_headers(clock_ms) if clock_ms else ()),
    ]


def resumed_headers(
    growth: str, partitions: int, *, clock_ms: int, venues: str, blind: str
) -> list[tuple[str, bytes]]:
    """Return the headers of a resumption, a heartbeat with the same clock as the handoff."""
    return [
        (RECORD, RESUMED.encode()),
        (GROWTH, growth.encode()),
        (PARTITIONS, b"%d" % partitions),
        (VENUES, venues.encode()),
        (BLIND_RUNS, blind.encode()),
        *(heartbeat_headers(clock_ms) if clock_ms else ()),
    ]


def grown_headers(source: int, partitions: int) -> list[tuple[str, bytes]]:
    """Return the headers of a pulse record that reports the number of events partitions."""
    return [
        (SOURCE_PARTITION, b"%d" % source),
        (RECORD, GROWN.encode()),
        (PARTITIONS, b"%d" % partitions),
    ]


def pulse_headers(source: int, record: str, clock_ms: int) -> list[tuple[str, bytes]]:
    """Return the headers of a record on the pulse topic; `record` is `PULSE` or `CASCADE`.

    `clock_ms` is the clock of the events partition before the record's cause.
    """
    published = [(PUBLISHED, b"1")] if record == CASCADE else []
    return [*pulse_heartbeat_headers(source, clock_ms), (RECORD, record.encode()), *published]


def replaced_headers(source: int, log: str) -> list[tuple[str, bytes]]:
    """Return the headers of a pulse record that reports an events partition with another log."""
    return [
        (SOURCE_PARTITION, b"%d" % source),
        (RECORD, REPLACED.encode()),
        (LOG, log.encode()),
    ]


def pulse_heartbeat_headers(source: int, clock_ms: int) -> list[tuple[str, bytes]]:
    """Return the headers of a pulse heartbeat: the clock that an events partition has reached."""
    return [(SOURCE_PARTITION, b"%d" % source), (CLOCK_MS, b"%d" % clock_ms)]
