"""The counts of one feed while the doctor listens."""

from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from liq.producers.feeds import FeedSpec
from liq.schemas.records import FeedStatus, Liquidation, Rejected
from liq.schemas.vocabulary import FeedEvent, RejectReason

MAX_OFFSETS: Final = 4_096
MAX_ENDS: Final = 100
MAX_EXAMPLES: Final = 20


@dataclass(slots=True)
class ConnectionSeen:
    """One connection: the time of its handshake, and the answers to its subscriptions.

    `answer_seconds` is the time from the handshake to the last answer.
    """

    opened_at: float
    names: tuple[str, ...]
    accepted: frozenset[str] = frozenset()
    refused: dict[str, str] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    answer_seconds: float | None = None
    is_up: bool = True


@dataclass(slots=True)
class FeedSeen:
    """The observations of one feed.

    `ends` has the latest losses and refusals, in the venue's words, `moves` the latest change to
    another of its documented addresses.
    """

    feed: FeedSpec
    connections: dict[str, ConnectionSeen] = field(default_factory=dict)
    ends: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_ENDS))
    end_count: int = 0
    is_stale: bool = False
    moves: deque[str] = field(default_factory=lambda: deque(maxlen=1))
    frames: int = 0
    control_frames: int = 0
    events: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)
    known_symbols: set[str] = field(default_factory=set)
    unknown_contracts: set[str] = field(default_factory=set)
    offsets_ms: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_OFFSETS))

    @property
    def is_reached(self) -> bool:
        """Whether a handshake succeeded."""
        return bool(self.connections)

    @property
    def is_up(self) -> bool:
        """Whether a connection is open and subscribed."""
        return any(one.is_up and one.accepted for one in self.connections.values())

    @property
    def names(self) -> set[str]:
        """The requested names of all connections."""
        return {name for one in self.connections.values() for name in one.names}

    @property
    def accepted(self) -> set[str]:
        """The names that the venue accepted at least once."""
        return {name for one in self.connections.values() for name in one.accepted}

    @property
    def refused(self) -> dict[str, str]:
        """The names that the venue refused and never accepted, with its reasons."""
        accepted, unanswered = self.accepted, self.unanswered
        return {
            name: reason
            for one in self.connections.values()
            for name, reason in one.refused.items()
            if name not in accepted and name not in unanswered
        }

    @property
    def unanswered(self) -> set[str]:
        """The names whose subscription timed out without an answer."""
        silent = {name for one in self.connections.values() for name in one.unanswered}
        return silent - self.accepted

    @property
    def answer_seconds(self) -> float | None:
        """The longest time of a connection until its subscriptions were answered."""
        times = [one.answer_seconds for one in self.connections.values()]
        return max((time for time in times if time is not None), default=None)

    @property
    def rejected_count(self) -> int:
        """The number of all rejections."""
        return self.rejected.total()

    @property
    def offset_ms(self) -> int | None:
        """The median of time of receipt minus time of sending (ms)."""
        return round(median(self.offsets_ms)) if self.offsets_ms else None

    def note_status(self, record: FeedStatus, now: float) -> None:
        """Count a feed record of a connection."""
        connection = self.connections.get(record.connection)
        if record.event is FeedEvent.CONNECTED and connection is not None:
            connection.answer_seconds = now - connection.opened_at
        self.is_stale |= record.event is FeedEvent.STALE
        if record.event is FeedEvent.MOVED:
            self.moves.append(record.detail)
        is_end = record.event in {FeedEvent.LOST, FeedEvent.REFUSED}
        # A connection with some refused names continues, and reports them as `refused`.
        goes_on = connection is not None and connection.answer_seconds is not None
        if is_end and not (record.event is FeedEvent.REFUSED and goes_on):
            self.ends.append(record.detail)
            self.end_count += 1
            if connection is not None:
                connection.is_up = False

    def note_result(self, result: Liquidation | Rejected) -> None:
        """Count a result of the normalizer."""
        if isinstance(result, Liquidation):
            self.events += 1
            self.known_symbols.add(result.native_symbol)
            return
        self.rejected[result.reason] += 1
        self.details.setdefault(result.reason, result.detail)
        if result.reason is RejectReason.UNKNOWN_INSTRUMENT:
            self.unknown_contracts.add(result.detail)
