"""Retries: the waits between attempts (back-off), and pauses after repeated failures (breaker).

Policies are data, so that every worker retries by the same code and at its own pace.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from prometheus_client import Gauge

MAX_DOUBLINGS: Final = 30
LONGEST_ASKED_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffPolicy:
    """Waits that double from `first_seconds` to `longest_seconds`; half of each wait is random.

    Without the jitter, processes that lost a service together would also retry together. No wait
    is below `shortest_seconds`.
    """

    first_seconds: float
    longest_seconds: float
    shortest_seconds: float = 0.0

    def wait_seconds(self, failures: int, random_source: random.Random) -> float:
        """Return the wait after a number of failures in a row (1 or more)."""
        doubled = self.first_seconds * 2 ** min(failures - 1, MAX_DOUBLINGS)
        ceiling: float = min(self.longest_seconds, doubled)
        return max(self.shortest_seconds, ceiling * (0.5 + random_source.random() / 2))


@dataclass(slots=True)
class Backoff:
    """The waits of one caller; it reports success with `reset`."""

    policy: BackoffPolicy
    attempts: int = 0
    random_source: random.Random = field(default_factory=random.Random)

    def next_seconds(self) -> float:
        """Count an attempt that failed, and return the wait before the next one."""
        self.attempts += 1
        return self.policy.wait_seconds(self.attempts, self.random_source)

    def reset(self) -> None:
        """Start again from the first wait."""
        self.attempts = 0


def asked_pause_seconds(retry_after: str | None) -> float:
    """Return the seconds of a `Retry-After` header, at most a day; 0 if it is not a number."""
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        return float(min(int(retry_after[:9]), LONGEST_ASKED_SECONDS))
    return 0.0


class BreakerState(StrEnum):
    """The state: closed admits every attempt, open refuses all, half-open admits one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """The number of failures that open a breaker, and the length of its pauses.

    The pause doubles from `first_pause_seconds` to `longest_pause_seconds` with every failed probe.
    By default, a breaker opens at the first failure, and its caller determines the wait.
    """

    failures_to_open: int = 1
    first_pause_seconds: float = 0.0
    longest_pause_seconds: float = 0.0


def _ignore(_state: BreakerState) -> None:
    """Ignore a state."""


class CircuitBreaker:
    """A breaker that admits attempts to a service until too many fail in a row.

    Without it, a service that accepts and closes connections would receive attempts as fast as the
    back-off allows, forever. Callers either call `wait_seconds` and report to `fail` and `close`,
    or wait by themselves and set the state with `open`, `half_open` and `close`. `show` receives
    the first state and every later one. Times are seconds of a monotonic clock.
    """

    def __init__(
        self,
        policy: BreakerPolicy | None = None,
        *,
        show: Callable[[BreakerState], None] = _ignore,
    ) -> None:
        self._policy = policy or BreakerPolicy()
        self._show = show
        self._admits_at = 0.0
        self._pause_seconds = 0.0
        self._state = BreakerState.CLOSED
        self._show(self._state)

    @property
    def state(self) -> BreakerState:
        """The current state."""
        return self._state

    def wait_seconds(self, now: float) -> float:
        """Return the seconds that an attempt has to wait; 0 admits it, as a probe if half-open."""
        if self._state is BreakerState.CLOSED:
            return 0.0
        if self._admits_at > now:
            return self._admits_at - now
        self.half_open()
        # Others wait for the probe's result. If it never reports, another probe follows later.
        self._admits_at = now + self._policy.first_pause_seconds
        return 0.0

    def fail(
        self, now: float, failures: int, *, at_once: bool = False, pause_seconds: float = 0.0
    ) -> bool:
        """Report the latest of some failures in a row; return whether it opened the breaker.

        `at_once` opens the breaker at any count: the service has requested a pause, of
        `pause_seconds` if it stated a time.
        """
        was_half_open = self._state is BreakerState.HALF_OPEN
        if self._state is BreakerState.OPEN and not at_once:
            return False
        if not (at_once or was_half_open or failures >= self._policy.failures_to_open):
            return False
        longest = self._policy.longest_pause_seconds
        pause = self._pause_seconds * 2 if was_half_open else self._pause_seconds
        self._pause_seconds = min(longest, max(self._policy.first_pause_seconds, pause))
        self._admits_at = now + min(longest, max(self._pause_seconds, pause_seconds))
        self.open()
        return True

    def open(self) -> None:
        """Refuse attempts, because one has failed."""
        self._move(BreakerState.OPEN)

    def half_open(self) -> None:
        """Admit one probe, because the wait is over."""
        self._move(BreakerState.HALF_OPEN)

    def close(self) -> None:
        """Admit every attempt, because one has succeeded."""
        self._pause_seconds = 0.0
        self._move(BreakerState.CLOSED)

    def _move(self, state: BreakerState) -> None:
        self._state = state
        self._show(state)


def show_breaker(gauge: Gauge, state: BreakerState, *labels: str) -> None:
    """Set a gauge, whose last label is the state, to 1 for this state and to 0 for the others."""
    for each in BreakerState:
        gauge.labels(*labels, each.value).set(int(each is state))
