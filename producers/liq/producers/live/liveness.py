"""Liveness: when a connection counts as dead, and when a connected feed counts as stale.

Liquidation feeds are often silent for long, so a lack of data alone proves no fault. A connection
is dead if it receives nothing after a ping. A feed is stale if it is connected and silent far
beyond its norm while another exchange still publishes. A retired address behaves like this: it
accepts connections and subscriptions, and never sends data.

One of several connections is stale by the feed's limit, stretched by the connection's share of the
feed's frames: if data arrive at random with a share p of the feed's rate, silences are 1/p times as
long with the same probability. The share comes from the connection's past, at first from its names.
Once thirty frames of the connection were to be expected, the feed's own limit applies.

A silence that continues after a renewal is reported again, each time after twice the wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from liq.producers.feeds import Heartbeat
from liq.schemas.headers import EVERY_FEED

OTHERS_ACTIVE_SECONDS: Final = 120.0
# The longest stretch of a limit, so that a silent connection is reported within a bounded time.
MOST_STRETCH: Final = 8.0
# Expected frames that did not arrive: thirty are missing by chance once in 10^13.
MISSED_FRAMES: Final = 30.0
# The weight of the share of the names against the past, in frames.
PRIOR_FRAMES: Final = 20.0
MOST_DOUBLINGS: Final = 5


@dataclass(slots=True)
class PingSchedule:
    """The pings of one connection. Times are seconds of a monotonic clock."""

    heartbeat: Heartbeat
    last_ping: float
    unanswered_since: float | None = None

    def note_sign(self) -> None:
        """Record that a message of any kind was received."""
        self.unanswered_since = None

    def is_due(self, now: float) -> bool:
        """Return whether a ping is due, and count it as sent."""
        if now - self.last_ping < self.heartbeat.every_seconds:
            return False
        self.last_ping = now
        if self.unanswered_since is None:
            self.unanswered_since = now
        return True

    def is_dead(self, now: float) -> bool:
        """Return whether nothing was received for too long after a ping."""
        since = self.unanswered_since
        return since is not None and now - since >= self.heartbeat.answer_seconds


@dataclass(slots=True)
class Silence:
    """The time without data of a connected feed or connection, and the reports of it."""

    connected_since: float | None = None
    last_data: float | None = None
    told_at: float | None = None
    tellings: int = 0
    earlier_seconds: float = 0.0

    def connect(self, now: float) -> None:
        """Start counting silence: a connection is subscribed."""
        self.connected_since = now

    def disconnect(self, now: float) -> None:
        """Stop counting silence; it continues from its present length at the next connection."""
        self.earlier_seconds = self.seconds(now)
        self.connected_since = None

    def note_data(self, now: float) -> None:
        """End the silence: data arrived."""
        self.earlier_seconds = 0.0
        self.last_data = now
        self.told_at = None
        self.tellings = 0

    def seconds(self, now: float) -> float:
        """Return the seconds without data while connected; 0 while not connected."""
        if self.connected_since is None:
            return 0.0
        since = max(self.connected_since, self.last_data or self.connected_since)
        return self.earlier_seconds + now - since

    def exceeds(self, limit: float, now: float) -> bool:
        """Return whether a report is due: after the limit, then after twice the previous wait."""
        if self.connected_since is None:
            return False
        waited = self.seconds(now)
        if self.told_at is not None:
            waited = min(waited, now - self.told_at)
        return waited >= limit * float(2 ** min(self.tellings, MOST_DOUBLINGS))

    def note_told(self, now: float) -> None:
        """Record a report of the silence."""
        self.told_at = now
        self.tellings += 1


@dataclass(slots=True)
class ConnectionActivity:
    """The data of one connection of a feed.

    `frames` counts its frames, and `feed_frames` those of the whole feed while it was connected, up
    to its latest one. `mark` is the feed's count at that time: later frames are those of siblings.
    """

    names: tuple[str, ...]
    connection: str = ""
    silence: Silence = field(default_factory=Silence)
    frames: int = 0
    feed_frames: int = 0
    mark: int = 0

    def note_data(self, now: float, feed_frames: int) -> None:
        """Count a frame of this connection; `feed_frames` is the feed's count including it."""
        self.silence.note_data(now)
        self.frames += 1
        self.feed_frames += feed_frames - self.mark
        self.mark = feed_frames


@dataclass(slots=True)
class FeedActivity:
    """The data of one feed since its subscription, and of its connections."""

    exchange: str
    silence_seconds: float
    connections: int = 0
    frames: int = 0
    parts: list[ConnectionActivity] = field(default_factory=list)
    _silence: Silence = field(default_factory=Silence)

    @property
    def last_data(self) -> float | None:
        """The time of the last data; None before any."""
        return self._silence.last_data

    @property
    def is_stale(self) -> bool:
        """Whether the feed's present silence was reported."""
        return self._silence.tellings > 0

    @property
    def stale_parts(self) -> int:
        """The number of connections whose present silence was reported."""
        return sum(part.silence.tellings > 0 for part in self.parts)

    def note_connections(self, change: int, now: float) -> None:
        """Add `change` to the number of subscribed connections."""
        self.connections += change
        if self.connections == 0:
            self._silence.disconnect(now)
        elif self._silence.connected_since is None:
            self._silence.connect(now)

    def note_data(self, now: float, part: ConnectionActivity | None = None) -> None:
        """Count a frame, of a connection if it is known."""
        self._silence.note_data(now)
        self.frames += 1
        if part is not None:
            part.note_data(now, self.frames)

    def set_connected(self, part: ConnectionActivity, *, connected: bool, now: float) -> None:
        """Count a connection as subscribed or not; silence counts while it is subscribed."""
        self.note_connections(1 if connected else -1, now)
        if connected:
            part.silence.connect(now)
        else:
            part.silence.disconnect(now)
        part.mark = self.frames

    def silence(self, now: float) -> float:
        """Return the seconds without data while connected; 0 while not connected."""
        return self._silence.seconds(now)

    def tell_if_stale(self, now: float) -> bool:
        """Return whether a report of the whole feed's silence is due, and count it as reported."""
        if not self._silence.exceeds(self.silence_seconds, now):
            return False
        self._silence.note_told(now)
        return True

    def tell_stale_parts(self, now: float) -> list[ConnectionActivity]:
        """Return connections that are silent beyond their limits beside active siblings."""
        last_data = self.last_data
        if last_data is None or now - last_data > OTHERS_ACTIVE_SECONDS:
            return []
        stale = [
            part
            for part in self.parts
            if self.frames > part.mark and part.silence.exceeds(self._limit(part), now)
        ]
        for part in stale:
            part.silence.note_told(now)
        return stale

    def _limit(self, part: ConnectionActivity) -> float:
        share = self._share(part)
        if share * (self.frames - part.mark) >= MISSED_FRAMES:
            return self.silence_seconds
        return self.silence_seconds * min(MOST_STRETCH, 1 / share)

    def _share(self, part: ConnectionActivity) -> float:
        """Return a connection's share of the feed's frames, by its past and its names."""
        names = sum(len(each.names) for each in self.parts)
        prior = len(part.names) / max(1, names) or 1.0
        return (part.frames + PRIOR_FRAMES * prior) / (part.feed_frames + PRIOR_FRAMES)


def blind_feeds(feeds: Mapping[str, FeedActivity]) -> tuple[str, ...]:
    """Return the names of a venue's blind feeds: not subscribed, or silent beyond their limit.

    If all are blind, the result is `EVERY_FEED` alone.
    """
    return blind_names(
        {name: not feed.connections or feed.is_stale for name, feed in feeds.items()}
    )


def blind_names(feeds: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the names of a venue's feeds that are blind; `EVERY_FEED` alone if all are."""
    blind = sorted(name for name, is_blind in feeds.items() if is_blind)
    return (EVERY_FEED,) if len(blind) == len(feeds) else tuple(blind)


@dataclass(slots=True)
class Activity:
    """The activity of all feeds of a process, compared with each other.

    `others_at` is the last time at which another process published frames of another exchange.
    """

    feeds: dict[str, FeedActivity] = field(default_factory=dict)
    others_at: float | None = None

    def note_data(self, label: str, now: float, part: ConnectionActivity | None = None) -> None:
        """Count a frame of a feed."""
        self.feeds[label].note_data(now, part)

    def note_others(self, now: float) -> None:
        """Record that another process publishes frames of another exchange."""
        self.others_at = now

    def newly_stale(self, now: float) -> list[str]:
        """Return the labels of feeds whose silence is due for a first or a further report."""
        return [
            label
            for label, feed in self.feeds.items()
            if self._is_another_active(feed.exchange, now) and feed.tell_if_stale(now)
        ]

    def newly_stale_parts(self, now: float) -> list[tuple[str, ConnectionActivity]]:
        """Return the same for single connections, with the labels of their feeds."""
        return [
            (label, part)
            for label, feed in self.feeds.items()
            for part in feed.tell_stale_parts(now)
        ]

    def _is_another_active(self, exchange: str, now: float) -> bool:
        seen = [
            feed.last_data
            for feed in self.feeds.values()
            if feed.exchange != exchange and feed.last_data is not None
        ]
        if self.others_at is not None:
            seen.append(self.others_at)
        return any(now - at <= OTHERS_ACTIVE_SECONDS for at in seen)
