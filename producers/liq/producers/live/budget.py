"""The budget of a client at a venue: the venue's limits, counted over sliding windows.

The budget admits or refuses a message. A refused caller asks again at its next step. The budget has
no queue, and every wait ends: windows expire, and unanswered requests count as refused after
`Timing.acknowledge`. Times are seconds of a monotonic clock.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from liq.producers.feeds import Limits

SECOND: Final = 1.0
MINUTE: Final = 60.0
HOUR: Final = 3_600.0
# The venue counts messages at their arrival and by its own clock, so our windows are longer.
WINDOW_SLACK: Final = 1.1
# Requests leave one part in this many of a limit free for pings and for answers to pings.
RESERVED_SHARE: Final = 5


@dataclass(slots=True)
class RateWindow:
    """A limit on the messages in any period of `seconds`."""

    limit: int
    seconds: float
    _times: deque[float] = field(default_factory=deque)

    def has_room(self, now: float, reserve: int = 0) -> bool:
        """Return whether one more message is allowed now, with `reserve` left after it."""
        while self._times and now - self._times[0] >= self.seconds * WINDOW_SLACK:
            self._times.popleft()
        return len(self._times) < self.limit - reserve

    def note(self, now: float) -> None:
        """Count a message; beyond the limit, drop the oldest, so that memory stays bounded."""
        self._times.append(now)
        if len(self._times) > self.limit:
            self._times.popleft()


class MessageBudget:
    """The budget of messages of one connection, or of all connections of a process to a venue."""

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
        """The number of requests without an answer."""
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
        """Count a sent subscription."""
        for window in self._requests:
            window.note(now)
        self.note_message(now)

    def note_message(self, now: float) -> None:
        """Count a sent ping or answer."""
        for window in self._messages:
            window.note(now)

    def set_unanswered(self, connection: str, count: int) -> None:
        """Set a connection's number of requests without an answer."""
        if count:
            self._unanswered[connection] = count
        else:
            self._unanswered.pop(connection, None)


class ConnectionBudget:
    """The budget of new connections of a process to one venue, and of one replacement at a time.

    A replacement runs beside the connection that it replaces. With one at a time, the process stays
    within the venue's limits per address.
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
        """Count a new connection."""
        for window in self._opened:
            window.note(now)

    def take_replacement(self) -> bool:
        """Start a replacement; return False if another one is in progress."""
        if self._is_replacing:
            return False
        self._is_replacing = True
        return True

    def end_replacement(self) -> None:
        """End the replacement."""
        self._is_replacing = False


def _windows(*limits: tuple[int | None, float]) -> tuple[RateWindow, ...]:
    return tuple(RateWindow(limit, seconds) for limit, seconds in limits if limit is not None)
