"""The check of one line of a capture before it becomes a record."""

from typing import Final

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.schemas.capture import CaptureLine, parse_capture_line
from liq.schemas.codec import DecodeError
from liq.schemas.frame_rates import decode_frame_rates
from liq.schemas.plausible_time import EARLIEST_VENUE_MS, LATEST_MS
from liq.schemas.units import MILLISECOND_NS

MAX_FEED_CHARACTERS: Final = 64
EARLIEST_NS: Final = EARLIEST_VENUE_MS * MILLISECOND_NS
LATEST_NS: Final = LATEST_MS * MILLISECOND_NS


def checked_capture_line(line: bytes, known_exchanges: tuple[str, ...]) -> CaptureLine:
    """Parse a line and check the fields that readers of raw topics rely on.

    Raises:
        DecodeError: the line is invalid; the message has the field.
    """
    parsed = parse_capture_line(line)
    if parsed.exchange not in known_exchanges:
        raise DecodeError(
            f"exchange: {parsed.exchange[:MAX_FEED_CHARACTERS]!r} is not one of "
            f"{', '.join(known_exchanges)}"
        )
    if not 0 < len(parsed.feed) <= MAX_FEED_CHARACTERS:
        raise DecodeError(f"feed: expected 1 to {MAX_FEED_CHARACTERS} characters")
    if not EARLIEST_NS <= parsed.received_at_ns < LATEST_NS:
        raise DecodeError(
            f"received_at_ns: {parsed.received_at_ns} is not a time between 2010 and 2100 in "
            "nanoseconds"
        )
    if len(parsed.frame.encode()) > MAX_FRAME_BYTES:
        raise DecodeError(f"frame: longer than {MAX_FRAME_BYTES} bytes")
    decode_frame_rates(parsed.rates)
    return parsed
