"""Open gaps, from the records of the feeds topic. Pure.

A gap is open from its record until a record of how its repair ended. Both records have one key, so
they are in one partition. The group commits the offset of the partition's oldest open gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent


@dataclass(frozen=True, slots=True)
class Gap:
    """A time (UTC, ms) in which frames of a connection may be missing."""

    exchange: str
    feed: str
    connection: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap, its report's time (UTC, ms), and its record's partition and offset."""

    gap: Gap
    reported_ms: int
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Span:
    """Gaps of one feed that are repaired together, and the time that covers them all."""

    gaps: tuple[Gap, ...]
    from_ms: int
    to_ms: int

    @property
    def name(self) -> str:
        """Return the unique name: feed and bounds."""
        first = self.gaps[0]
        return f"{first.exchange}.{first.feed}:{self.from_ms}-{self.to_ms}"


class GapBook:
    """The open gaps of the assigned partitions."""

    def __init__(self, feeds: Iterable[tuple[str, str]] = ()) -> None:
        """Create an empty book; `feeds` (exchange and name) are the feeds whose gaps count."""
        self._feeds = frozenset(feeds)
        self._open: dict[Gap, OpenGap] = {}
        self._next: dict[int, int] = {}

    def __len__(self) -> int:
        """Return the number of open gaps."""
        return len(self._open)

    def watch(self, feeds: Iterable[tuple[str, str]]) -> None:
        """Replace the feeds whose gaps count."""
        self._feeds = frozenset(feeds)

    def take(self, partition: int, offset: int, status: FeedStatus | None) -> None:
        """Apply the next record of a partition; `status` is None if it is not a feed record."""
        self._next[partition] = offset + 1
        gap = None if status is None else gap_of(status)
        if status is None or gap is None or (gap.exchange, gap.feed) not in self._feeds:
            return
        if status.event is FeedEvent.GAP:
            self._open.setdefault(gap, OpenGap(gap, status.timestamp_ms, partition, offset))
        else:
            self._open.pop(gap, None)

    def close(self, gaps: Iterable[Gap]) -> None:
        """Remove gaps whose repair's end is published."""
        for gap in gaps:
            self._open.pop(gap, None)

    def forget(self) -> None:
        """Remove everything: the next owner of the partitions reads them again."""
        self._open.clear()
        self._next.clear()

    def places(self) -> dict[int, int]:
        """Map each partition to the offset to commit: its oldest open gap, or its next record."""
        places = dict(self._next)
        for each in self._open.values():
            places[each.partition] = min(places[each.partition], each.offset)
        return places

    def counts(self) -> dict[str, int]:
        """Map each exchange to its number of open gaps."""
        found = dict.fromkeys((exchange for exchange, _ in self._feeds), 0)
        for gap in self._open:
            found[gap.exchange] += 1
        return found

    def due(self, exchange: str, feed: str, reported_until_ms: int) -> Span | None:
        """Return the oldest gap of a feed that was reported by a time, with gaps that touch it."""
        gaps = sorted(
            (
                each.gap
                for each in self._open.values()
                if (each.gap.exchange, each.gap.feed) == (exchange, feed)
                and each.reported_ms <= reported_until_ms
            ),
            key=lambda gap: (gap.from_ms, gap.to_ms, gap.connection),
        )
        if not gaps:
            return None
        together, until_ms = [gaps[0]], gaps[0].to_ms
        for gap in gaps[1:]:
            if gap.from_ms > until_ms:
                break
            together.append(gap)
            until_ms = max(until_ms, gap.to_ms)
        return Span(tuple(together), gaps[0].from_ms, until_ms)


def gap_of(status: FeedStatus) -> Gap | None:
    """Return the gap of a gap record or of a repair's end, or None for any other record."""
    is_about_one = status.event is FeedEvent.GAP or status.event.ends_repair
    if not is_about_one or status.from_ms is None or status.to_ms is None:
        return None
    if status.to_ms < status.from_ms:
        return None
    return Gap(status.exchange, status.feed, status.connection, status.from_ms, status.to_ms)
