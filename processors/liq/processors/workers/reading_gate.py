"""The gate of a worker's reading: closed until the layout is read, and while events grow.

The consumer checks the gate; the follower of the layout opens and closes it.
"""

from typing import Final

#: How long the consumer waits at a closed gate before its next check.
CLOSED_SECONDS: Final = 0.05


class ReadingGate:
    """A gate that opens when the layout is read to its end at the time of the assignment."""

    def __init__(self) -> None:
        """Start closed, before the layout is read."""
        self._required = 0
        self._reached = -1
        self._paused = ""
        self._idle = ""
        self._must_rejoin = False
        #: The number of partitions that consumers of the events topic should see.
        self.wanted_partitions = 0

    def require(self, end: int) -> None:
        """Close the gate until the layout is read to the end offset `end`."""
        self._required = end

    def is_open(self) -> bool:
        """Return whether records may be read; in a pause, record that reading has stopped."""
        if self._paused:
            self._idle = self._paused
            return False
        return self._reached >= self._required

    def reach(self, position: int) -> None:
        """Record the position in the layout topic."""
        self._reached = position

    def pause(self, growth: str) -> None:
        """Close the gate for a growth."""
        self._paused = growth

    def resume(self) -> None:
        """End the pause."""
        self._paused = self._idle = ""

    def ask_rejoin(self) -> None:
        """Request a new assignment."""
        self._must_rejoin = True

    def take_rejoin(self) -> bool:
        """Return whether a new assignment is requested, and clear the request."""
        must_rejoin, self._must_rejoin = self._must_rejoin, False
        return must_rejoin

    def is_idle(self, growth: str) -> bool:
        """Return whether reading has stopped for the pause of a growth."""
        return self._idle == growth
