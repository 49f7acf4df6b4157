"""Liveness: when a connection counts as dead, and when a feed that looks alive counts as stale.

Liquidation feeds are rightly silent for long, so a lack of data alone means nothing. A connection
is dead when it gives no sign of life after a ping. A feed is stale when it is connected and
silent far beyond its norm while another exchange still publishes: that is how a retired address
looks, which accepts everything and never says a word.

One connection of several is stale by the same limit, stretched by the connection's share of the
feed's frames: data that come at random with a share p of the feed's rate leave a silence 1/p times
as long with the same probability. The share is the connection's past, or its share of the names
while it has no past. Frames of its siblings shorten the stretch: if so many arrived in the
meantime that thirty were expected here, the feed's own limit holds.

A silence that goes on after a renewal is told again, each time after twice the wait.
"""

from dataclasses import dataclass, field
from typing import Final

from liq.producers.feeds import Heartbeat

OTHERS_ACTIVE_SECONDS: Final = 120.0
# The longest stretch of a limit: a silent connection is told within a known time.
MOST_STRETCH: Final = 8.0
# Frames that were expected here and did not come: chance alone leaves out thirty once in 10^13.
MISSED_FRAMES: Final = 30.0
# What the share of the names weighs against the past, in frames.
PRIOR_FRAMES: Final = 20.0
MOST_DOUBLINGS: Final = 5


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
class Silence:
    """How long somebody who is connected has brought no data, and how often that was told."""

    connected_since: float | None = None
    last_data: float | None = None
    told_at: float | None = None
    tellings: int = 0
    earlier_seconds: float = 0.0

    def connect(self, now: float) -> None:
        """A connection stands: silence goes on from here."""
        self.connected_since = now

    def disconnect(self, now: float) -> None:
        """No connection stands; the silence so far counts on once there is one again."""
        self.earlier_seconds = self.seconds(now)
        self.connected_since = None

    def note_data(self, now: float) -> None:
        """Data arrived."""
        self.earlier_seconds = 0.0
        self.last_data = now
        self.told_at = None
        self.tellings = 0

    def seconds(self, now: float) -> float:
        """Seconds without data while connected; 0 while not connected."""
        if self.connected_since is None:
            return 0.0
        since = max(self.connected_since, self.last_data or self.connected_since)
        return self.earlier_seconds + now - since

    def exceeds(self, limit: float, now: float) -> bool:
        """Whether the silence is to be told: after the limit, then after twice the wait each."""
        if self.connected_since is None:
            return False
        waited = self.seconds(now)
        if self.told_at is not None:
            waited = min(waited, now - self.told_at)
        return waited >= limit * float(2 ** min(self.tellings, MOST_DOUBLINGS))

    def note_told(self, now: float) -> None:
        """The silence was told."""
        self.told_at = now
        self.tellings += 1


@dataclass(slots=True)
class ConnectionActivity:
    """When one connection of a feed last brought data.

    `frames` counts its data, and `feed_frames` the data of the whole feed while it was connected,
    up to its latest. `mark` is where the feed's count stood then: what came since is siblings'.
    """

    names: tuple[str, ...]
    connection: str = ""
    silence: Silence = field(default_factory=Silence)
    frames: int = 0
    feed_frames: int = 0
    mark: int = 0

    def note_data(self, now: float, feed_frames: int) -> None:
        """Data arrived by this connection; the feed has had so many frames with it."""
        self.silence.note_data(now)
        self.frames += 1
        self.feed_frames += feed_frames - self.mark
        self.mark = feed_frames


@dataclass(slots=True)
class FeedActivity:
    """When one feed last brought data, counted from its subscription."""

    exchange: str
    silence_seconds: float
    connections: int = 0
    frames: int = 0
    parts: list[ConnectionActivity] = field(default_factory=list)
    _silence: Silence = field(default_factory=Silence)

    @property
    def last_data(self) -> float | None:
        """When data last arrived."""
        return self._silence.last_data

    @property
    def is_stale(self) -> bool:
        """Whether the feed's silence was told and goes on."""
        return self._silence.tellings > 0

    @property
    def stale_parts(self) -> int:
        """How many connections are stale, beside others that are not."""
        return sum(part.silence.tellings > 0 for part in self.parts)

    def note_connections(self, change: int, now: float) -> None:
        """One connection more or less."""
        self.connections += change
        if self.connections == 0:
            self._silence.disconnect(now)
        elif self._silence.connected_since is None:
            self._silence.connect(now)

    def note_data(self, now: float, part: ConnectionActivity | None = None) -> None:
        """Data arrived, by a connection if it is known by which."""
        self._silence.note_data(now)
        self.frames += 1
        if part is not None:
            part.note_data(now, self.frames)

    def set_connected(self, part: ConnectionActivity, *, connected: bool, now: float) -> None:
        """Count a connection as subscribed or not; its silence begins when it is."""
        self.note_connections(1 if connected else -1, now)
        if connected:
            part.silence.connect(now)
        else:
            part.silence.disconnect(now)
        part.mark = self.frames

    def silence(self, now: float) -> float:
        """Seconds without data while connected; 0 while not connected."""
        return self._silence.seconds(now)

    def tell_if_stale(self, now: float) -> bool:
        """Whether the whole feed is silent beyond its limit, which then counts as told."""
        if not self._silence.exceeds(self.silence_seconds, now):
            return False
        self._silence.note_told(now)
        return True

    def tell_stale_parts(self, now: float) -> list[ConnectionActivity]:
        """Connections that are silent beyond their limits while a sibling talks; each is told."""
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
        """Return the part of the feed's frames that a connection brings, by its past."""
        names = sum(len(each.names) for each in self.parts)
        prior = len(part.names) / max(1, names) or 1.0
        return (part.frames + PRIOR_FRAMES * prior) / (part.feed_frames + PRIOR_FRAMES)


@dataclass(slots=True)
class Activity:
    """All feeds of a process, compared with each other.

    `others_at` is when another exchange was last seen publishing by another process.
    """

    feeds: dict[str, FeedActivity] = field(default_factory=dict)
    others_at: float | None = None

    def note_data(self, label: str, now: float, part: ConnectionActivity | None = None) -> None:
        """Data of a feed arrived."""
        self.feeds[label].note_data(now, part)

    def note_others(self, now: float) -> None:
        """Another exchange publishes, by another process."""
        self.others_at = now

    def newly_stale(self, now: float) -> list[str]:
        """Labels of feeds that have just become stale, or are for twice the time."""
        return [
            label
            for label, feed in self.feeds.items()
            if self._is_another_active(feed.exchange, now) and feed.tell_if_stale(now)
        ]

    def newly_stale_parts(self, now: float) -> list[tuple[str, ConnectionActivity]]:
        """Return the same of single connections, with the labels of their feeds."""
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
