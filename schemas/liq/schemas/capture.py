"""The line format of recorded captures: JSON Lines with one frame each, often gzipped.

    {"received_at_ns": int, "exchange": str, "feed": str, "frame": "<exact text>"}

`source` (topic, partition, offset) is present if the line was exported from a raw topic, `rates`
(the text of `liq.schemas.frame_rates`) if the frame has rates. `subject` is the subject of the
request to a venue's history, if the response does not contain it.
"""

from dataclasses import dataclass

from liq.schemas.codec import decode
from liq.schemas.records import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureLine:
    """One recorded frame. `received_at_ns` is UTC, in nanoseconds."""

    received_at_ns: int
    exchange: str
    feed: str
    frame: str
    source: Source | None = None
    rates: str = ""
    subject: str = ""


def parse_capture_line(line: bytes) -> CaptureLine:
    """Parse one line.

    Raises:
        DecodeError: the line is not JSON or lacks a field; the message names it.
    """
    return decode(CaptureLine, line)
