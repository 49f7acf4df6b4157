"""The two clocks of a live producer, which tests can replace."""

import time
from typing import Protocol

from liq.schemas.units import MILLISECOND_NS


class Clock(Protocol):
    """A clock for durations and a clock for the time of day."""

    def monotonic(self) -> float:
        """Return seconds that never decrease."""

    def now_ns(self) -> int:
        """Return the time (UTC, ns since 1970)."""


class SystemClock:
    """The clocks of the host."""

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic()

    def now_ns(self) -> int:
        """Return the time (UTC, ns since 1970)."""
        return time.time_ns()


def now_ms(clock: Clock) -> int:
    """Return the time (UTC, ms since 1970)."""
    return clock.now_ns() // MILLISECOND_NS
