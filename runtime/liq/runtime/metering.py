"""Helpers of metrics: labels with a bounded number of values, and rates over a window."""

import time
from collections import deque
from typing import Final

RATE_WINDOW_SECONDS: Final = 10.0
MAX_LABEL_CHARACTERS: Final = 64


class BoundedLabel:
    """A label with external values, such as assets: at most `limit` of them, then one for the rest.

    Every new value creates a time series for the lifetime of the process and in Prometheus.
    """

    def __init__(self, limit: int, others: str = "other") -> None:
        self._limit = limit
        self._others = others
        self._known: set[str] = set()

    def value(self, wanted: str) -> str:
        """Return the value itself if it is among the first `limit`, else the common label."""
        if wanted in self._known:
            return wanted
        if len(self._known) >= self._limit or len(wanted) > MAX_LABEL_CHARACTERS:
            return self._others
        self._known.add(wanted)
        return wanted


class RateMeter:
    """A rate over a sliding window, for the gauge `liq_events_per_second`.

    `count` is the total since the start.
    """

    def __init__(self, window_seconds: float = RATE_WINDOW_SECONDS) -> None:
        self._window_seconds = window_seconds
        self._counts: deque[tuple[float, int]] = deque()
        self._total = 0
        self.count = 0

    def add(self, count: int) -> None:
        """Count records that were handled at this moment."""
        self.count += count
        self._counts.append((time.monotonic(), count))
        self._total += count
        self._drop_old()

    def rate(self) -> float:
        """Return the records a second over the window."""
        self._drop_old()
        return self._total / self._window_seconds

    def _drop_old(self) -> None:
        horizon = time.monotonic() - self._window_seconds
        while self._counts and self._counts[0][0] < horizon:
            self._total -= self._counts.popleft()[1]
