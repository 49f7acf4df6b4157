"""What a client may still send to a venue: its limits, counted over sliding windows.

The budget admits or does not; whoever is not admitted asks again at its next tick. Nothing is
queued here, and every wait ends: a window runs off, and an unanswered request is given up in
`Timing.acknowledge`. Times are seconds of a monotonic clock.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from liq.producers.feeds import Limits

SECOND: Final = 1.0
MINUTE: Final = 60.0
HOUR: Final = 3_600.0
# The venue counts by its own clock and when messages arrive: our windows are a tenth longer.
WINDOW_SLACK: Final = 1.1
# The share of a limit that requests leave free, for pings and for answers to pings.
RESERVED_SHARE: Final = 5


@dataclass(slots=True)
class RateWindow:
    """At most `limit` in any time of `seconds`."""

    limit: int
    seconds: float
    _times: deque[float] = field(default_factory=deque)

    def has_room(self, now: float, reserve: int = 0) -> bool:
        """Return whether one more is allowed now, with `reserve` left after it."""
        while self._times and now - self._times[0] >= self.seconds * WINDOW_SLACK:
            self._times.popleft()
        return len(self._times) < self.limit - reserve

    def note(self, now: float) -> None:
        """Count one; beyond the limit the oldest is forgotten, so that memory stays bounded."""
        self._times.append(now)
        if len(self._times) > self.limit:
            self._times.popleft()


class MessageBudget:
    """The messages of one connection, or of all connections of a process to one venue."""

    def __init__(self, limits: Limits) -> None:
        self._messages = _windows(
            (limits.messages_per_second, SECOND), (limits.messages_per_minute, MINUTE)
        )
        self._requests = _windows(
            (limits.requests_per_second, SECOND), (limits.requests_per_hour, HOUR)
        )
        self._most_unanswered = limits.unanswered_requests
        self._unanswered: dict[str, int] = {}

    @property
    def unanswered(self) -> int:
        """Return how many requests wait for an answer."""
        return sum(self._unanswered.values())

    def admits_request(self, now: float) -> bool:
        """Return whether a subscription may be sent now."""
        most = self._most_unanswered
        if most is not None and self.unanswered >= most - most // RESERVED_SHARE:
            return False
        return all(window.has_room(now) for window in self._requests) and all(
            window.has_room(now, window.limit // RESERVED_SHARE) for window in self._messages
        )

    def admits_message(self, now: float) -> bool:
        """Return whether a ping may be sent now."""
        return all(window.has_room(now) for window in self._messages)

    def note_request(self, now: float) -> None:
        """Count a subscription that is sent."""
        for window in self._requests:
            window.note(now)
        self.note_message(now)

    def note_message(self, now: float) -> None:
        """Count a ping or an answer that is sent."""
        for window in self._messages:
            window.note(now)

    def set_unanswered(self, connection: str, count: int) -> None:
        """Replace a connection's number of requests without an answer."""
        if count:
            self._unanswered[connection] = count
        else:
            self._unanswered.pop(connection, None)


class ConnectionBudget:
    """The connections of a process to one venue: how often new ones open, and one replacement.

    A replacement is a connection beside the one that it replaces. One at a time keeps the
    venue's limits of connections and subscriptions an address true during it.
    """

    def __init__(self, limits: Limits) -> None:
        self._opened = _windows(
            (limits.connections_per_minute, MINUTE), (limits.connections_per_hour, HOUR)
        )
        self._is_replacing = False

    def admits_connection(self, now: float) -> bool:
        """Return whether a connection may be opened now."""
        return all(window.has_room(now) for window in self._opened)

    def note_connection(self, now: float) -> None:
        """Count a connection that is opened."""
        for window in self._opened:
            window.note(now)

    def take_replacement(self) -> bool:
        """Take the turn of the one replacement; return whether it was free."""
        if self._is_replacing:
            return False
        self._is_replacing = True
        return True

    def end_replacement(self) -> None:
        """Give the turn back."""
        self._is_replacing = False


def _windows(*limits: tuple[int | None, float]) -> tuple[RateWindow, ...]:
    return tuple(RateWindow(limit, seconds) for limit, seconds in limits if limit is not None)
