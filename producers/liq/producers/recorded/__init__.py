"""Replay of recorded frames: captures at any pace (`replay`), rejected frames (`rejected`)."""

from liq.producers.recorded.capture_file import CaptureDamagedError, CaptureFile
from liq.producers.recorded.capture_line import checked_capture_line
from liq.producers.recorded.ordered_sender import Ordering
from liq.producers.recorded.pace import MAX_SPEED, Pace, parse_speed
from liq.producers.recorded.rejected import replay_rejected
from liq.producers.recorded.replay import (
    END_SILENCE_SECONDS,
    ReplayCallbacks,
    ReplayOptions,
    ReplayResult,
    replay_capture,
    report_broken_line,
)

__all__ = [
    "END_SILENCE_SECONDS",
    "MAX_SPEED",
    "CaptureDamagedError",
    "CaptureFile",
    "Ordering",
    "Pace",
    "ReplayCallbacks",
    "ReplayOptions",
    "ReplayResult",
    "checked_capture_line",
    "parse_speed",
    "replay_capture",
    "replay_rejected",
    "report_broken_line",
]
