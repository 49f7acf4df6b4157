"""The time of the machine that notifies."""

import time


def now_ms() -> int:
    """Return this machine's time (UTC, ms)."""
    return time.time_ns() // 1_000_000
