"""The two clocks of a live producer, in one place so that tests can replace them."""

import time
from typing import Protocol

from liq.schemas.units import MILLISECOND_NS


class Clock(Protocol):
    """A clock for durations and one for the time of day."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def now_ns(self) -> int:
        """UTC in nanoseconds since 1970."""


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def now_ns(self) -> int:
        """UTC in nanoseconds since 1970."""
        return time.time_ns()


def now_ms(clock: Clock) -> int:
    """UTC in milliseconds since 1970."""
    return clock.now_ns() // MILLISECOND_NS
