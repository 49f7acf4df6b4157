"""Quality of public feeds: their recall of the liquidations in a complete feed of the venue.

- `hyperliquid`: the comparison of frames (pure);
- `frames`: the frames of a raw topic or of captures.
"""

from liq.cli.quality.frames import RawFrame, frames_of_files, frames_of_topic
from liq.cli.quality.hyperliquid import Comparison, Quality, TooManyError

__all__ = [
    "Comparison",
    "Quality",
    "RawFrame",
    "TooManyError",
    "frames_of_files",
    "frames_of_topic",
]
