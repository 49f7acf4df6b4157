"""Readiness of a consuming worker: it is stalled if it has lag and handles no record for a minute.

The cause may be a stage that waits for ever, a broker that does not serve a partition, or a batch
that never becomes safe. The worker is ready again with the next record that it handles, or when its
lag is zero. A stalled worker stays alive, so no supervisor restarts it.
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
    """A measure of the time that a worker has had lag without handling records. Pure."""

    def __init__(self) -> None:
        """Start without observations."""
        self._handled = -1
        self._since: float | None = None

    def note(self, now_seconds: float, *, lag: int, handled: int) -> float:
        """Return the seconds for which there has been lag and the count `handled` has not risen."""
        if lag <= 0 or handled != self._handled:
            self._handled = handled
            self._since = now_seconds if lag > 0 else None
        elif self._since is None:
            self._since = now_seconds
        return 0.0 if self._since is None else now_seconds - self._since


class ProgressReport:
    """The readiness condition `progress`, and its metric."""

    def __init__(
        self, health: Health, topics: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Create the report; `topics` describes in words what the worker reads."""
        self._health = health
        self._topics = topics
        self._clock = clock
        self._rule = StallRule()

    def note(self, lag: int, handled: int | None = None) -> None:
        """Update the condition from the lag in records and the count of handled records."""
        count = HANDLED.count if handled is None else handled
        seconds = self._rule.note(self._clock(), lag=lag, handled=count)
        STALLED.set(seconds)
        is_stalled = seconds >= STALLED_SECONDS
        reason = f"{lag} records of {self._topics} wait"
        if is_stalled:
            reason += f", and none was handled for {seconds:.0f} s"
        self._health.set(CONDITION, holds=not is_stalled, reason=reason)
