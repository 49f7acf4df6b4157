"""Which times of the log are believed: what a record claims against when the broker appended it.

A time is claimed by a producer (the receipt of a frame) or by a worker of ours (the clock of a
heartbeat). Whoever's clock or header is wrong must not move the log's clock. The broker's append
time bounds every claim: nothing is received long after it was appended. A claim beyond the bound
says nothing, so the append time itself counts.

A clock that lags shows against the venue's time: nothing is received before it happened. Append
time alone proves no lag, because a producer holds frames while Kafka is away, and a replay writes
the times of its recording. So the venue's time has to agree with the broker's.

Topics of older installations carry the producer's time (`CreateTime`). It bounds a claim likewise:
a damaged header differs from it. It proves nothing about the clock of the producer's host.
"""

from typing import Any, Final, NamedTuple

from liq.schemas.headers import CLOCK_MS, RECEIVED_AT_NS, text_header
from liq.schemas.plausible_time import EARLIEST_STORED_MS, EARLIEST_VENUE_MS, LATEST_MS
from liq.schemas.units import MILLISECOND_NS

#: Clocks of healthy hosts differ by less.
TOLERANCE_MS: Final = 5_000
#: A venue's time this close to the append time agrees with it: venues publish with some delay.
AGREEMENT_MS: Final = 60_000
EARLIEST_NS: Final = EARLIEST_VENUE_MS * MILLISECOND_NS
LATEST_NS: Final = LATEST_MS * MILLISECOND_NS
TOLERANCE_NS: Final = TOLERANCE_MS * MILLISECOND_NS
# Of every time between 2010 and 2100.
DIGITS_NS: Final = 19
DIGITS_MS: Final = 13


class Receipt(NamedTuple):
    """When a raw record's frame was received.

    `stamped` is the text of the producer's header, empty for none, `stamped_ns` the time that it
    says; None where it is no time between 2010 and 2100. `is_believed` is False where the header
    says something and another time counts.
    """

    received_at_ns: int
    stamped: str
    stamped_ns: int | None
    is_believed: bool


def append_time_ms(record: Any) -> int | None:
    """Return the time that a record bears in its topic; None where it is no plausible time."""
    timestamp_ms: int = record.timestamp
    return timestamp_ms if EARLIEST_VENUE_MS <= timestamp_ms < LATEST_MS else None


def written_at_ms(record: Any) -> int:
    """Return a record's own time in Kafka, moved to the nearest one that is plausible."""
    return min(max(int(record.timestamp), EARLIEST_STORED_MS), LATEST_MS - 1)


def believed_ms(claimed_ms: int, appended_ms: int | None) -> int:
    """Return a claimed time, or the append time where the claim lies too far beyond it."""
    if appended_ms is None or claimed_ms <= appended_ms + TOLERANCE_MS:
        return claimed_ms
    return appended_ms


def claimed_ns(text: str) -> int | None:
    """Parse a time in nanoseconds; None for what is no time between 2010 and 2100."""
    if len(text) != DIGITS_NS or not text.isascii() or not text.isdigit():
        return None
    time_ns = int(text)
    return time_ns if EARLIEST_NS <= time_ns < LATEST_NS else None


def claimed_ms(text: str) -> int | None:
    """Parse a time in milliseconds; None for what is no time between 2010 and 2100."""
    if len(text) != DIGITS_MS or not text.isascii() or not text.isdigit():
        return None
    time_ms = int(text)
    return time_ms if EARLIEST_VENUE_MS <= time_ms < LATEST_MS else None


def bounded_clock_ms(record: Any) -> int | None:
    """Return the clock of a heartbeat or a pulse as far as it is believed; None for none."""
    clock_ms = claimed_ms(text_header(record.headers, CLOCK_MS))
    return None if clock_ms is None else believed_ms(clock_ms, append_time_ms(record))


def receipt(record: Any) -> Receipt:
    """Return when a raw record was received, as far as the log believes it.

    Without a usable header, the record's own time counts.
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
    """Return whether venue and broker agree that a frame was received later than it says.

    `venue_ms` is the venue's own time of what the frame reports.
    """
    return (
        appended_ms is not None
        and appended_ms > received_at_ms + TOLERANCE_MS
        and venue_ms > received_at_ms + TOLERANCE_MS
        and appended_ms - AGREEMENT_MS <= venue_ms <= appended_ms + TOLERANCE_MS
    )
