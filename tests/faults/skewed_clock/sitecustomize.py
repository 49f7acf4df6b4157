"""Shifts this process's wall clock by CLOCK_SKEW_SECONDS; Python runs it before the program.

With CLOCK_STEP_AFTER_SECONDS the clock is set once, so long after the start: to be off by
CLOCK_STEP_SECONDS from then on. Only what asks `time.time` and `time.time_ns` is deceived, which
is what our code and its clients ask; the monotonic clock is left alone, as it is when a real clock
is set wrong.
"""

import os
import time

SKEW_SECONDS = int(os.environ["CLOCK_SKEW_SECONDS"])
STEP_AFTER_SECONDS = float(os.environ.get("CLOCK_STEP_AFTER_SECONDS", "inf"))
STEP_SECONDS = int(os.environ.get("CLOCK_STEP_SECONDS", "0"))
NANOSECONDS_PER_SECOND = 1_000_000_000

_time, _time_ns, _started = time.time, time.time_ns, time.monotonic()


def _skew_seconds() -> int:
    is_set = time.monotonic() - _started >= STEP_AFTER_SECONDS
    return STEP_SECONDS if is_set else SKEW_SECONDS


time.time = lambda: _time() + _skew_seconds()
time.time_ns = lambda: _time_ns() + _skew_seconds() * NANOSECONDS_PER_SECOND
