"""Liveness: when a connection counts as dead, and when a feed that looks alive counts as stale.

Liquidation feeds are rightly silent for long, so a lack of data alone means nothing. A connection
is dead when it gives no sign of life after a ping. A feed is stale when it is connected and
silent far beyond its norm while another exchange still publishes: that is how a retired address
looks, which accepts everything and never says a word.
"""

from dataclasses import dataclass, field
from typing import Final

from liq.producers.feeds import Heartbeat

OTHERS_ACTIVE_SECONDS: Final = 120.0


@dataclass(slots=True)
class PingSchedule:
    """Pings of one connection. Times are seconds of a monotonic clock."""

    heartbeat: Heartbeat
    last_ping: float
    unanswered_since: float | None = None

    def note_sign(self) -> None:
        """Anything at all was received."""
        self.unanswered_since = None

    def is_due(self, now: float) -> bool:
        """Whether to ping now; the caller then does."""
        if now - self.last_ping < self.heartbeat.every_seconds:
            return False
        self.last_ping = now
        if self.unanswered_since is None:
            self.unanswered_since = now
        return True

    def is_dead(self, now: float) -> bool:
        """Whether the first ping after the last sign of life has had no answer for too long."""
        since = self.unanswered_since
        return since is not None and now - since >= self.heartbeat.answer_seconds


@dataclass(slots=True)
class FeedActivity:
    """When one feed last brought data, counted from its subscription."""

    exchange: str
    silence_seconds: float
    last_data: float | None = None
    connected_since: float | None = None
    connections: int = 0
    is_stale: bool = False

    def note_connections(self, change: int, now: float) -> None:
        """One connection more or less."""
        self.connections += change
        if self.connections == 0:
            self.connected_since = None
        elif self.connected_since is None:
            self.connected_since = now

    def silence(self, now: float) -> float:
        """Seconds without data while connected; 0 while not connected."""
        if self.connected_since is None:
            return 0.0
        return now - max(self.connected_since, self.last_data or self.connected_since)


@dataclass(slots=True)
class Activity:
    """All feeds of a process, compared with each other."""

    feeds: dict[str, FeedActivity] = field(default_factory=dict)

    def note_data(self, label: str, now: float) -> None:
        """Data of a feed arrived."""
        feed = self.feeds[label]
        feed.last_data = now
        feed.is_stale = False

    def newly_stale(self, now: float) -> list[str]:
        """Labels of feeds that have just become stale; each is told once until data come."""
        found = []
        for label, feed in self.feeds.items():
            if feed.is_stale or feed.silence(now) < feed.silence_seconds:
                continue
            if self._is_another_active(feed.exchange, now):
                feed.is_stale = True
                found.append(label)
        return found

    def _is_another_active(self, exchange: str, now: float) -> bool:
        return any(
            other.exchange != exchange
            and other.last_data is not None
            and now - other.last_data <= OTHERS_ACTIVE_SECONDS
            for other in self.feeds.values()
        )
