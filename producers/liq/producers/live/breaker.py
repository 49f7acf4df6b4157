"""A circuit breaker: after failures in a row, leave a venue alone, then try with one probe.

Many short-lived connections are failures as well: a venue that accepts and cuts again and again
would otherwise be asked as fast as the back-off allows, for ever.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from liq.producers.live.timing import DEFAULT_TIMING, Timing

FAILURES_TO_OPEN: Final = 6


class BreakerState(StrEnum):
    """Closed lets everyone through, open nobody, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class CircuitBreaker:
    """One venue's breaker. Times are seconds of a monotonic clock, given by the caller."""

    timing: Timing = DEFAULT_TIMING
    state: BreakerState = BreakerState.CLOSED
    opens_again_at: float = 0.0
    _pause: float = 0.0

    def wait_seconds(self, now: float) -> float:
        """How long an attempt has to wait; 0 admits it (and makes it the probe, if open)."""
        if self.state is BreakerState.CLOSED:
            return 0.0
        if self.opens_again_at > now:
            return self.opens_again_at - now
        self.state = BreakerState.HALF_OPEN
        # Until the probe has an answer, others wait; a probe that vanishes frees its place.
        self.opens_again_at = now + self.timing.breaker
        return 0.0

    def succeed(self) -> None:
        """A venue has accepted a subscription."""
        self.state = BreakerState.CLOSED
        self._pause = 0.0

    def fail(
        self, now: float, failures: int, *, at_once: bool = False, pause_seconds: float = 0.0
    ) -> bool:
        """A connection's latest of so many failures in a row; true if it opened the breaker.

        `at_once` opens it whatever the count: the venue itself asked to be left alone, for
        `pause_seconds` if it said how long.
        """
        was_half_open = self.state is BreakerState.HALF_OPEN
        if self.state is BreakerState.OPEN and not at_once:
            return False
        if not (at_once or was_half_open or failures >= FAILURES_TO_OPEN):
            return False
        longest = self.timing.last_breaker
        pause = self._pause * 2 if was_half_open else self._pause
        self._pause = min(longest, max(self.timing.breaker, pause))
        self.state = BreakerState.OPEN
        self.opens_again_at = now + min(longest, max(self._pause, pause_seconds))
        return True
