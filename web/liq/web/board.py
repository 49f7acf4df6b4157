"""Overview of the log's last day: cascades, sums by minute, feeds, gaps and horizons. Pure.

Everything is bounded: the oldest minutes, cascades, feeds and gaps are dropped first.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from liq.schemas.units import DAY_MS, MINUTE_MS
from liq.schemas.vocabulary import AlertType, FeedEvent
from liq.web.price_levels import PriceLevels
from liq.web.records import CENTS, Stream, StreamRecord

MAX_CASCADES: Final = 2_000
MAX_STEPS: Final = 200
MAX_FEEDS: Final = 2_000
MAX_GAPS: Final = 500
REPAIRS: Final = frozenset(event for event in FeedEvent if event.ends_repair)
#: The fields that a gap and the end of its repair share.
GAP_NAMES: Final = ("exchange", "feed", "connection", "from_ms", "to_ms")
KEPT_MS: Final = DAY_MS
SPAN: Final = ("cascade_id", "side", "level", "started_at_ms", "ended_at_ms", "total_value_usd")
Document = dict[str, Any]


@dataclass(slots=True)
class CascadeLife:
    """The records of one cascade in the order of arrival; beyond the bound, the first and last."""

    steps: list[Document] = field(default_factory=list)
    parent_id: str | None = None

    @property
    def newest(self) -> Document:
        """The newest record that has numbers of its own."""
        return next(
            (step for step in reversed(self.steps) if step["type"] != AlertType.LINKED),
            self.steps[-1],
        )

    @property
    def is_open(self) -> bool:
        """Whether no record ends it."""
        return all(step["type"] != AlertType.ENDED for step in self.steps)

    def path(self) -> list[list[float]]:
        """Return `[time (ms), price]` pairs of the records, for charts."""
        found = [step.get("price") for step in self.steps]
        points = [
            [each[time], float(each[price])]
            for each in found
            if each
            for time, price in (("first_ms", "first"), ("now_ms", "now"))
        ]
        return sorted({ms: [ms, price] for ms, price in points}.values())

    def add(self, alert: Document) -> None:
        """Add a record; beyond `MAX_STEPS`, drop one in the middle."""
        if alert["type"] == AlertType.LINKED:
            self.parent_id = alert.get("parent_id")
        self.steps.append(alert)
        if len(self.steps) > MAX_STEPS:
            del self.steps[MAX_STEPS // 2]


@dataclass(slots=True)
class Sum:
    """Liquidations of a minute: their number and their value in cents."""

    count: int = 0
    cents: int = 0


@dataclass(slots=True)
class FeedState:
    """The last event of each of a feed's connections, and the feed's number of each event."""

    exchange: str
    feed: str
    connections: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    newest_ms: int = 0
    detail: str = ""


class Board:
    """State behind the overview of the pages, built from the log's records."""

    def __init__(self) -> None:
        """Create an empty board."""
        self.cascades: OrderedDict[str, CascadeLife] = OrderedDict()
        self.feeds: OrderedDict[tuple[str, str], FeedState] = OrderedDict()
        self.gaps: list[Document] = []
        self.status: Document | None = None
        self.newest_liquidation_ms = 0
        self.price_levels = PriceLevels()
        self._completeness: dict[str, set[str]] = {}
        self._minutes: dict[int, dict[tuple[str, str], Sum]] = {}

    def take(self, record: StreamRecord, document: Document) -> None:
        """Apply a record; duplicates must be removed before."""
        match record.place.stream:
            case Stream.LIQUIDATIONS:
                self._count(record)
            case Stream.CASCADES:
                self._follow(document)
            case Stream.FEEDS:
                self._note_feed(document)
            case Stream.STATUS:
                self._note_status(document)
            case Stream.WATCHES:
                pass

    def open_cascades(self) -> list[CascadeLife]:
        """Return the cascades that have not ended, the worst first."""
        opened = [life for life in self.cascades.values() if life.is_open]
        return sorted(opened, key=lambda life: -float(life.newest["risk_score"]))

    def ended_cascades(self, limit: int) -> list[CascadeLife]:
        """Return cascades that have ended, the newest first."""
        found: list[CascadeLife] = []
        for life in reversed(self.cascades.values()):
            if not life.is_open:
                found.append(life)
                if len(found) == limit:
                    break
        return found

    def spans(self, asset: str) -> list[Document]:
        """Return the times of each cascade of an asset; `ended_at_ms` is None while it is open."""
        newest = (life.newest for life in self.cascades.values())
        return [
            {name: alert.get(name) for name in SPAN}
            for alert in newest
            if alert.get("asset") == asset
        ]

    def minutes(self, since_ms: int) -> Iterator[Document]:
        """Yield sums by minute, venue and side, from a time on."""
        for minute in sorted(self._minutes):
            if minute >= since_ms - since_ms % MINUTE_MS:
                for (exchange, side), total in sorted(self._minutes[minute].items()):
                    yield {
                        "minute_ms": minute,
                        "exchange": exchange,
                        "side": side,
                        "count": total.count,
                        "value_usd": dollars(total.cents),
                    }

    def venues(self) -> list[Document]:
        """Return each feed's connections and events, sorted by venue."""
        return [
            {
                "exchange": state.exchange,
                "feed": state.feed,
                "connected": sum(
                    event == FeedEvent.CONNECTED for event in state.connections.values()
                ),
                "connections": len(state.connections),
                "newest_ms": state.newest_ms,
                "detail": state.detail,
                "counts": dict(sorted(state.counts.items())),
            }
            for _, state in sorted(self.feeds.items())
        ]

    def completeness(self) -> dict[str, list[str]]:
        """Map each venue to the values of `completeness` in its liquidations."""
        return {venue: sorted(found) for venue, found in sorted(self._completeness.items())}

    def _count(self, record: StreamRecord) -> None:
        facets = record.facets
        self.price_levels.take(facets)
        self._completeness.setdefault(facets.exchanges[0], set()).add(facets.completeness)
        minute = facets.time_ms - facets.time_ms % MINUTE_MS
        if minute < self.newest_liquidation_ms - KEPT_MS:
            return
        if facets.time_ms > self.newest_liquidation_ms:
            self.newest_liquidation_ms = facets.time_ms
            for old in [each for each in self._minutes if each < facets.time_ms - KEPT_MS]:
                del self._minutes[old]
        sums = self._minutes.setdefault(minute, {})
        total = sums.setdefault((facets.exchanges[0], facets.side), Sum())
        total.count += 1
        total.cents += facets.cents

    def _follow(self, alert: Document) -> None:
        life = self.cascades.setdefault(str(alert["cascade_id"]), CascadeLife())
        life.add(alert)
        _forget(self.cascades, MAX_CASCADES)

    def _note_feed(self, status: Document) -> None:
        exchange, feed = str(status["exchange"]), str(status["feed"])
        state = self.feeds.setdefault((exchange, feed), FeedState(exchange, feed))
        event = str(status["event"])
        if event in {FeedEvent.CONNECTED, FeedEvent.LOST}:
            state.connections[str(status["connection"])] = event
        state.counts[event] = state.counts.get(event, 0) + 1
        state.newest_ms = max(state.newest_ms, int(status["timestamp_ms"]))
        state.detail = f"{event}: {status.get('detail') or ''}".rstrip(": ")
        if event == FeedEvent.GAP:
            self.gaps.append(status)
            del self.gaps[:-MAX_GAPS]
        if event in REPAIRS:
            self.gaps = [_repaired(gap, status) for gap in self.gaps]
        _forget(self.feeds, MAX_FEEDS)

    def _note_status(self, status: Document) -> None:
        if self.status is None or status["timestamp_ms"] >= self.status["timestamp_ms"]:
            self.status = status


def dollars(cents: int) -> str:
    """Return cents as dollars, exactly."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // CENTS}.{cents % CENTS:02d}"


def _forget(known: "OrderedDict[Any, Any]", most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)


def documents(lives: Iterable[CascadeLife]) -> list[Mapping[str, Any]]:
    """Return the newest record of each cascade, with its parent and its price path so far."""
    return [{**life.newest, "parent_id": life.parent_id, "path": life.path()} for life in lives]


def _repaired(gap: Document, status: Document) -> Document:
    """Return a gap, with its repair's result if `status` is the end of its repair."""
    if any(gap.get(name) != status.get(name) for name in GAP_NAMES):
        return gap
    return {**gap, "repair": status["event"], "repair_rows": status.get("row_count")}
