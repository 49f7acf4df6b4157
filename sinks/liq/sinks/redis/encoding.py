"""Encoding of records as calls of the script in Redis, with refusals of unstorable records. Pure.

A call contains records of a few partitions in their order. It refers to keys by number, so that it
names each key once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final

import orjson

from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.units import DAY_MS, HOUR_MS
from liq.schemas.vocabulary import AlertType
from liq.sinks.batch import Delivered, Partition
from liq.sinks.redis.layout import LAYOUT, Layout, escaped, position_field
from liq.sinks.redis.reading import HotEvent, micro_dollars, read_event
from liq.sinks.refusals import Refusal

#: The records of a call. A call of this size blocks other clients of Redis for some milliseconds.
CALL_RECORDS: Final = 250
UNDECODABLE: Final = "undecodable_record"
UNSTORABLE: Final = "beyond_the_hot_state"
#: The limit for one liquidation: a multiple of all venues' daily trades, so sums fit into 64 bits.
MAX_VALUE_USD: Final = Decimal(10) ** 10
MAX_NAME_CHARACTERS: Final = 128
#: The limit for a producer's clock ahead of the broker's.
CLOCK_AHEAD_MS: Final = 5_000
#: The retention of the topic `feeds`.
VENUES_KEEP_MS: Final = 30 * DAY_MS
CONNECTIONS_OF_A_VENUE: Final = 256

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """The position of a partition in a call: as expected in Redis before it, and after it.

    If Redis has the `expected` text, records before `from_offset` are stored already.
    """

    field: str
    log: str
    expected: str
    from_offset: int
    end_offset: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The size limits of the hot state."""

    keep_ms: int
    last_count: int
    alerts_count: int

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        """Return the bounds from the settings."""
        return cls(
            settings.redis_hours * HOUR_MS, settings.redis_last_count, settings.redis_alerts_count
        )


@dataclass(slots=True)
class Call:
    """The content of one call of the script; the sender adds the positions."""

    keys: list[str]
    document: Document
    partitions: dict[Partition, int]
    refusals: list[Refusal] = field(default_factory=list)

    def text(self, places: Sequence[Place]) -> bytes:
        """Return the script's argument; `places` must be in the order of `partitions`."""
        return orjson.dumps({**self.document, "places": [asdict(place) for place in places]})


def calls(
    records: Sequence[Delivered], topics: Mapping[str, type], layout: Layout, bounds: Bounds
) -> Iterator[Call]:
    """Yield the calls that store records of several partitions, in their order.

    `topics` maps each topic to the class of its records.
    """
    for start in range(0, len(records), CALL_RECORDS):
        encoder = _Encoder(layout, bounds)
        for record in records[start : start + CALL_RECORDS]:
            encoder.add(topics[record.topic], record)
        yield encoder.call()


class _Encoder:
    """Builds one call."""

    def __init__(self, layout: Layout, bounds: Bounds) -> None:
        self._layout = layout
        self._keys: dict[str, int] = {}
        self._types: list[str] = []
        self._hours: dict[int, int] = {}
        self._partitions: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._refusals: list[Refusal] = []
        self._key(layout.sink, "hash")
        self._document: Document = {
            "layout": LAYOUT,
            "types": self._types,
            "clock_ms": 0,
            "hours": [],
            "events": [],
            "alerts": [],
            "feeds": [],
            **asdict(bounds),
            "venues_keep_ms": VENUES_KEEP_MS,
            "connections_count": CONNECTIONS_OF_A_VENUE,
            "last_key": self._key(layout.last, "zset"),
            "open_key": self._key(layout.open, "zset"),
            "alerts_key": self._key(layout.alerts, "stream"),
        }

    def add(self, kind: type, record: Delivered) -> None:
        """Add or refuse a record; in both cases its offset counts as stored."""
        partition = (record.topic, record.partition)
        place = self._partitions.setdefault(partition, len(self._partitions) + 1)
        self._ends[partition] = record.offset + 1
        value = record.value or b""
        try:
            decoded: object = read_event(value) if kind is Liquidation else decode(kind, value)
        except DecodeError as error:
            self._refusals.append(Refusal(record, UNDECODABLE, str(error)))
            return
        if reason := _beyond(decoded):
            self._refusals.append(Refusal(record, UNSTORABLE, reason))
            return
        at = {"place": place, "offset": record.offset}
        _ADD[kind](self, decoded, record, at)

    def call(self) -> Call:
        """Return the finished call; no record can be added afterwards."""
        return Call(list(self._keys), self._document, self._ends, self._refusals)

    def _key(self, name: str, kind: str) -> int:
        number = self._keys.get(name)
        if number is None:
            number = self._keys[name] = len(self._keys) + 1
            self._types.append(kind)
        return number

    def _hour(self, time_ms: int) -> int:
        start_ms = time_ms - time_ms % HOUR_MS
        number = self._hours.get(start_ms)
        if number is None:
            number = self._hours[start_ms] = len(self._hours) + 1
            seen = self._key(self._layout.seen(time_ms), "set")
            self._document["hours"].append({"start_ms": start_ms, "seen": seen})
        return number

    def add_event(self, event: HotEvent, record: Delivered, at: Document) -> None:
        believed_ms = min(event.received_at_ms, record.timestamp + CLOCK_AHEAD_MS)
        self._document["clock_ms"] = max(self._document["clock_ms"], believed_ms)
        layout, asset, time_ms = self._layout, event.asset, event.timestamp_ms
        # In the order in which the script unpacks them; field names would double the cost.
        self._document["events"].append(
            (
                at["place"],
                at["offset"],
                self._hour(time_ms),
                event.event_id,
                str(micro_dollars(event.value_usd)),
                time_ms,
                self._key(layout.minute(time_ms), "hash"),
                f"{escaped(asset)}:{event.side}",
                self._key(layout.levels(time_ms, asset), "hash"),
                f"{event.level}:{event.side}",
                self._key(layout.last_of(asset), "zset"),
                event.shown,
            )
        )

    def add_alert(self, alert: CascadeAlert, record: Delivered, at: Document) -> None:
        text = (record.value or b"").decode()
        is_link = alert.type is AlertType.LINKED
        fields = {
            "alert_id": alert.alert_id,
            "cascade_id": alert.cascade_id,
            "type": alert.type,
            "asset": alert.asset,
            "side": alert.side,
            "level": alert.level,
            "notify": str(int(alert.notify)),
            "record": text,
        }
        self._document["alerts"].append(
            {
                **at,
                "key": self._key(self._layout.cascade(alert.cascade_id), "hash"),
                "cascade": alert.cascade_id,
                "sequence": alert.sequence,
                "type": alert.type,
                "timestamp_ms": alert.timestamp_ms,
                "is_end": alert.type is AlertType.ENDED,
                "parent_id": (alert.parent_id or "") if is_link else "",
                "record": text,
                "fields": [part for pair in fields.items() for part in pair],
            }
        )

    def add_feed(self, status: FeedStatus, record: Delivered, at: Document) -> None:
        # How a gap was repaired must not hide how the connection is.
        ending = ":repair" if status.event.ends_repair else ""
        self._document["feeds"].append(
            {
                **at,
                "key": self._key(self._layout.venue(status.exchange), "hash"),
                "field": f"{escaped(status.feed)}:{escaped(status.connection)}{ending}",
                "timestamp_ms": status.timestamp_ms,
                "record": (record.value or b"").decode(),
            }
        )

    def add_status(self, status: DetectionStatus, record: Delivered, at: Document) -> None:
        newest = self._document.get("detection")
        if newest is None or status.timestamp_ms >= newest["timestamp_ms"]:
            self._document["detection"] = {
                **at,
                "key": self._key(self._layout.detection, "string"),
                "timestamp_ms": status.timestamp_ms,
                "record": (record.value or b"").decode(),
            }


_ADD: Final[Mapping[type, Callable[[_Encoder, Any, Delivered, Document], None]]] = {
    Liquidation: _Encoder.add_event,
    CascadeAlert: _Encoder.add_alert,
    FeedStatus: _Encoder.add_feed,
    DetectionStatus: _Encoder.add_status,
}


def places_of(
    call: Call, logs: Mapping[Partition, str], stored: Mapping[Partition, tuple[str, int]]
) -> list[Place]:
    """Return the positions of a call's partitions, as this process expects them in Redis.

    `stored` maps each partition to its position text in Redis and the first offset that is not
    stored.
    """
    return [
        Place(position_field(*partition), logs[partition], *stored[partition], end_offset)
        for partition, end_offset in call.partitions.items()
    ]


def _beyond(decoded: object) -> str:
    """Return the reason why a record does not fit into the keys; empty if it fits."""
    times = [decoded.timestamp_ms]  # type: ignore[attr-defined] # all four kinds have it
    names: list[str] = []
    match decoded:
        case HotEvent():
            times.append(decoded.received_at_ms)
            names = [decoded.event_id, decoded.asset]
            if not 0 <= decoded.value_usd <= MAX_VALUE_USD:
                return f"value_usd is not between 0 and {MAX_VALUE_USD:f}"
        case CascadeAlert():
            names = [decoded.cascade_id]
            if not 0 <= decoded.sequence <= LATEST_MS:
                return "sequence is out of range"
        case FeedStatus():
            names = [decoded.exchange, decoded.feed, decoded.connection]
    if not all(EARLIEST_STORED_MS <= each < LATEST_MS for each in times):
        return "a time is not between the years 2000 and 2100"
    if any(len(name) > MAX_NAME_CHARACTERS for name in names):
        return f"an id or a name has more than {MAX_NAME_CHARACTERS} characters"
    return ""
