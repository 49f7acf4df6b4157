"""Checks of the times that records claim, against the times at which brokers appended them.

Producers claim a time of receipt for each frame, workers a clock for each heartbeat. A wrong clock
or a damaged header must not move the log's clock. The broker's append time bounds every claim,
because a frame is received before it is appended. Where a claim exceeds the bound, the append time
replaces it.

A lagging clock shows in comparison with the venue's time, because an event happens before its
receipt. Append time alone does not prove a lag: a producer buffers frames while Kafka is away, and
a replay writes the times of its recording. So the venue's time must agree with the broker's.

Topics of older installations carry the producer's time (`CreateTime`). It bounds a claim in the
same way, since a damaged header differs from it. It does not check the producer's clock.
"""

from typing import Any, Final, NamedTuple

from liq.schemas.headers import CLOCK_MS, RECEIVED_AT_NS, text_header
from liq.schemas.plausible_time import EARLIEST_STORED_MS, EARLIEST_VENUE_MS, LATEST_MS
from liq.schemas.units import MILLISECOND_NS

#: Greatest difference between the clocks of healthy hosts.
TOLERANCE_MS: Final = 5_000
#: A venue's time this close to the append time agrees with it: venues publish with some delay.
AGREEMENT_MS: Final = 60_000
EARLIEST_NS: Final = EARLIEST_VENUE_MS * MILLISECOND_NS
LATEST_NS: Final = LATEST_MS * MILLISECOND_NS
TOLERANCE_NS: Final = TOLERANCE_MS * MILLISECOND_NS
# The number of digits of every time between 2010 and 2100.
DIGITS_NS: Final = 19
DIGITS_MS: Final = 13


class Receipt(NamedTuple):
    """The time of receipt of a raw record's frame (UTC, ns).

    `stamped` is the text of the producer's header, empty if the header is absent. `stamped_ns` is
    its time, None unless it lies between 2010 and 2100. `is_believed` is False if another time
    replaces a header that is present.
    """

    received_at_ns: int
    stamped: str
    stamped_ns: int | None
    is_believed: bool


def append_time_ms(record: Any) -> int | None:
    """Return a record's timestamp in its topic (ms); None if it is not plausible."""
    timestamp_ms: int = record.timestamp
    return timestamp_ms if EARLIEST_VENUE_MS <= timestamp_ms < LATEST_MS else None


def written_at_ms(record: Any) -> int:
    """Return a record's timestamp in Kafka (ms), limited to the plausible range."""
    return min(max(int(record.timestamp), EARLIEST_STORED_MS), LATEST_MS - 1)


def believed_ms(claimed_ms: int, appended_ms: int | None) -> int:
    """Return a claimed time, or the append time if the claim exceeds it by too much."""
    if appended_ms is None or claimed_ms <= appended_ms + TOLERANCE_MS:
        return claimed_ms
    return appended_ms


def claimed_ns(text: str) -> int | None:
    """Parse a time in nanoseconds; return None for any text but a time between 2010 and 2100."""
    if len(text) != DIGITS_NS or not text.isascii() or not text.isdigit():
        return None
    time_ns = int(text)
    return time_ns if EARLIEST_NS <= time_ns < LATEST_NS else None


def claimed_ms(text: str) -> int | None:
    """Parse a time in milliseconds; return None for any text but a time between 2010 and 2100."""
    if len(text) != DIGITS_MS or not text.isascii() or not text.isdigit():
        return None
    time_ms = int(text)
    return time_ms if EARLIEST_VENUE_MS <= time_ms < LATEST_MS else None


def bounded_clock_ms(record: Any) -> int | None:
    """Return the clock of a heartbeat or pulse (ms), bounded by append time; None without one."""
    clock_ms = claimed_ms(text_header(record.headers, CLOCK_MS))
    return None if clock_ms is None else believed_ms(clock_ms, append_time_ms(record))


def receipt(record: Any) -> Receipt:
    """Return the time of receipt of a raw record, bounded by its append time.

    Without a usable header, the record's timestamp in Kafka is the time of receipt.
    """
    stamped = text_header(record.headers, RECEIVED_AT_NS)
    stamped_ns = claimed_ns(stamped)
    if stamped_ns is None:
        return Receipt(written_at_ms(record) * MILLISECOND_NS, stamped, None, not stamped)
    appended_ns = record.timestamp * MILLISECOND_NS
    if stamped_ns <= appended_ns + TOLERANCE_NS or not EARLIEST_NS <= appended_ns < LATEST_NS:
        return Receipt(stamped_ns, stamped, stamped_ns, True)  # noqa: FBT003 - on the hot path
    return Receipt(appended_ns, stamped, stamped_ns, is_believed=False)


def is_lagging(received_at_ms: int, venue_ms: int, appended_ms: int | None) -> bool:
    """Return whether venue and broker agree that a frame was received later than it claims.

    `venue_ms` is the venue's time of the event that the frame reports.
    """
    return (
        appended_ms is not None
        and appended_ms > received_at_ms + TOLERANCE_MS
        and venue_ms > received_at_ms + TOLERANCE_MS
        and appended_ms - AGREEMENT_MS <= venue_ms <= appended_ms + TOLERANCE_MS
    )
