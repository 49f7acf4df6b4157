"""The line format of recorded captures: one frame a line, JSON Lines, often gzipped.

    {"received_at_ns": int, "exchange": str, "feed": str, "frame": "<exact text>"}

`source` (topic, partition, offset) is present when the line was exported from a raw topic, and
`rates` (the text of `liq.schemas.frame_rates`) when the frame came with rates.
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


def parse_capture_line(line: bytes) -> CaptureLine:
    """Parse one line.

    Raises:
        DecodeError: the line is not JSON or lacks a field; the message names it.
    """
    return decode(CaptureLine, line)
