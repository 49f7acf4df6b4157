"""All that the detector knows of one asset."""

from collections import deque
from dataclasses import dataclass, field

from processors.cascades.config import MAX_REMEMBERED_IDS, REPEAT_MEMORY_MS
from processors.cascades.entry import Entry
from processors.cascades.score import Assessment
from processors.cascades.tally import Tally
from processors.cascades.window import TrailingWindow
from schemas.vocabulary import Side


@dataclass(slots=True)
class OpenCascade:
    """A cascade that was detected and has not ended.

    `confirmed` holds what happened up to the last moment at which the thresholds were met,
    `pending` what came after it: that belongs to the cascade only if they are met again in time.
    `peak` is its riskiest moment so far; `basic_peak` the highest basic score.
    """

    cascade_id: str
    detector: str
    asset: str
    side: Side
    started_at_ms: int
    last_hot_ms: int
    confirmed: Tally
    peak: Assessment
    basic_peak: float
    pending: Tally = field(default_factory=Tally)

    def include(self, entry: Entry, hot_at_ms: int | None) -> None:
        """Count a liquidation of the cascade's side.

        `hot_at_ms` is the end of the window in which the liquidation met the thresholds, None if
        it did not. One from before the start stays out: the start was published.
        """
        if hot_at_ms is not None:
            self.last_hot_ms = hot_at_ms
            if self.pending.count:
                self.confirmed.merge(self.pending)
                self.pending = Tally()
        if entry.timestamp_ms < self.started_at_ms:
            return
        (self.confirmed if entry.timestamp_ms <= self.last_hot_ms else self.pending).add(entry)

    def observe(self, moment: Assessment) -> None:
        """Keep the higher scores."""
        if moment.risk_score > self.peak.risk_score:
            self.peak = moment
        self.basic_peak = max(self.basic_peak, moment.basic_risk_score)


@dataclass(slots=True)
class Lane:
    """One side of one asset. No event at or before `ended_until_ms` can join another cascade."""

    window: TrailingWindow
    cascade: OpenCascade | None = None
    ended_until_ms: int = 0


class RecentIds:
    """Ids of events that took part lately, with the asset's clock when they did; bounded."""

    __slots__ = ("_known", "sightings")

    def __init__(self) -> None:
        """Start empty."""
        self.sightings: deque[tuple[int, str]] = deque()
        self._known: set[str] = set()

    def __contains__(self, event_id: str) -> bool:
        """Whether the event was seen and is still remembered."""
        return event_id in self._known

    def add(self, clock_ms: int, event_id: str) -> None:
        """Remember an event that is not known yet."""
        self.sightings.append((clock_ms, event_id))
        self._known.add(event_id)
        if len(self.sightings) > MAX_REMEMBERED_IDS:
            self._forget_oldest()

    def forget_before(self, clock_ms: int) -> None:
        """Forget what was seen earlier than a time of the asset's clock."""
        while self.sightings and self.sightings[0][0] < clock_ms:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._known.discard(self.sightings.popleft()[1])


@dataclass(slots=True)
class AssetState:
    """Both sides of one asset, its clock, and what it has already seen.

    `clock_ms` is the newest receive time among the asset's own records. The four counts say how
    many events were left out as repeated, late or implausible, or moved back from the future.
    """

    longs: Lane
    shorts: Lane
    clock_ms: int = 0
    recent_ids: RecentIds = field(default_factory=RecentIds)
    duplicates: int = 0
    late: int = 0
    implausible: int = 0
    future: int = 0

    def lanes(self, side: Side) -> tuple[Lane, Lane]:
        """The lane of a side, and the opposite one."""
        return (self.longs, self.shorts) if side is Side.LONG else (self.shorts, self.longs)

    @property
    def open_cascades(self) -> tuple[OpenCascade, ...]:
        """The cascades that have not ended: at most one a side."""
        both = (self.longs.cascade, self.shorts.cascade)
        return tuple(cascade for cascade in both if cascade is not None)

    def move_clock(self, received_at_ms: int) -> None:
        """Take notice of a record's receive time; the clock never goes back."""
        if received_at_ms > self.clock_ms:
            self.clock_ms = received_at_ms
            self.recent_ids.forget_before(received_at_ms - REPEAT_MEMORY_MS)
