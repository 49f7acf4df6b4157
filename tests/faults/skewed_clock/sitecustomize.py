"""Shifts this process's wall clock by CLOCK_SKEW_SECONDS; Python runs it before the program.

Only what asks `time.time` and `time.time_ns` is deceived, which is what our code and its clients
ask; the monotonic clock is left alone, as it is when a real clock is set wrong.
"""

import os
import time

SKEW_SECONDS = int(os.environ["CLOCK_SKEW_SECONDS"])
NANOSECONDS_PER_SECOND = 1_000_000_000

_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + SKEW_SECONDS
time.time_ns = lambda: _time_ns() + SKEW_SECONDS * NANOSECONDS_PER_SECOND
