"""The schedule of regular requests: an interval, and a circuit breaker's pauses after failures."""

from liq.producers.live.clock import Clock
from liq.runtime.retry import BreakerPolicy, BreakerState, CircuitBreaker


class Schedule:
    """The times at which one poller requests; it reports each result with `succeed` or `fail`."""

    def __init__(self, every_seconds: float, policy: BreakerPolicy, clock: Clock) -> None:
        """Create a schedule whose first request is due at once."""
        self._every_seconds = every_seconds
        self._clock = clock
        self._breaker = CircuitBreaker(policy)
        self._failures = 0
        self._due_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the next request is due."""
        return self._clock.monotonic() >= self._due_at

    @property
    def state(self) -> BreakerState:
        """The breaker's state."""
        return self._breaker.state

    def begin(self) -> bool:
        """Set the time of the next request, and return whether the breaker admits one now."""
        now = self._clock.monotonic()
        wait = self._breaker.wait_seconds(now)
        self._due_at = now + (wait or self._every_seconds)
        return wait <= 0

    def succeed(self) -> None:
        """Report an answer, which closes the breaker."""
        self._failures = 0
        self._breaker.close()

    def fail(self, *, at_once: bool = False) -> float:
        """Report a failure; return the pause in seconds if it opened the breaker, else 0.

        `at_once` opens the breaker at any count of failures.
        """
        self._failures += 1
        now = self._clock.monotonic()
        if not self._breaker.fail(now, self._failures, at_once=at_once):
            return 0.0
        wait = self._breaker.wait_seconds(now)
        self._due_at = max(self._due_at, now + wait)
        return wait
