"""Readiness of a consuming worker: it is stalled when it has lag and handles nothing for a minute.

Whatever the cause (a stage that waits for ever, a broker that does not serve a partition, a batch
that never becomes safe), the worker does not do its work. It is ready again by itself with the next
record that it handles, or when nothing is left to handle. Nothing restarts it for this.
"""

import time
from collections.abc import Callable
from typing import Final

from liq.runtime.health import Health
from liq.runtime.metrics import HANDLED, STALLED

STALLED_SECONDS: Final = 60.0
#: The health condition that fails while the worker is stalled.
CONDITION: Final = "progress"


class StallRule:
    """Measures for how long a worker has had lag and handled nothing. Pure: time is passed in."""

    def __init__(self) -> None:
        """Nothing was noted yet."""
        self._handled = -1
        self._since: float | None = None

    def note(self, now_seconds: float, *, lag: int, handled: int) -> float:
        """Return for how many seconds there has been lag and `handled`, a count, has not risen."""
        if lag <= 0 or handled != self._handled:
            self._handled = handled
            self._since = now_seconds if lag > 0 else None
        elif self._since is None:
            self._since = now_seconds
        return 0.0 if self._since is None else now_seconds - self._since


class ProgressReport:
    """Keeps the readiness condition `progress` and its metric up to date."""

    def __init__(
        self, health: Health, topics: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`topics` says in words what the worker reads."""
        self._health = health
        self._topics = topics
        self._clock = clock
        self._rule = StallRule()

    def note(self, lag: int, handled: int | None = None) -> None:
        """Report the records not handled yet, and the count of all that were handled."""
        count = HANDLED.count if handled is None else handled
        seconds = self._rule.note(self._clock(), lag=lag, handled=count)
        STALLED.set(seconds)
        is_stalled = seconds >= STALLED_SECONDS
        reason = f"{lag} records of {self._topics} wait"
        if is_stalled:
            reason += f", and none was handled for {seconds:.0f} s"
        self._health.set(CONDITION, holds=not is_stalled, reason=reason)
