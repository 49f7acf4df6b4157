"""The streams that readers may request, and the fields of their records that filters use."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from liq.schemas.topics import Topics

CENTS: Final = 100


class Stream(StrEnum):
    """A public topic, by its name in an address."""

    LIQUIDATIONS = "liquidations"
    CASCADES = "cascades"
    WATCHES = "watches"
    FEEDS = "feeds"
    STATUS = "status"


def topic_of(stream: Stream, topics: Topics) -> str:
    """Return the topic of a stream."""
    return {
        Stream.LIQUIDATIONS: topics.events,
        Stream.CASCADES: topics.cascades,
        Stream.WATCHES: topics.watch,
        Stream.FEEDS: topics.feeds,
        Stream.STATUS: topics.status,
    }[stream]


class Place(NamedTuple):
    """A partition of a stream."""

    stream: Stream
    partition: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The fields of a record that filters and pages use.

    `identity` is the same for every copy of a record; empty for records without an id. `cents` are
    dollars times 100, rounded down. `price` and `completeness` are set for liquidations only.
    """

    identity: str
    exchanges: tuple[str, ...]
    asset: str
    side: str
    cents: int
    time_ms: int
    price: float = 0.0
    completeness: str = ""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record of a stream: its exact bytes on the topic, and its facets."""

    place: Place
    offset: int
    value: bytes
    facets: Facets


class UnreadableError(ValueError):
    """A value is not a record of its stream."""


def read(place: Place, offset: int, value: bytes) -> tuple[StreamRecord, dict[str, Any]]:
    """Return a record and its decoded value.

    Raises:
        UnreadableError: the value is not a record of that stream.
    """
    try:
        document = orjson.loads(value)
        facets = _FACETS[place.stream](document)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise UnreadableError(f"{place.stream} {place.partition}:{offset}: {error!r}") from error
    return StreamRecord(place, offset, value, facets), document


def _liquidation(document: Any) -> Facets:
    return Facets(
        identity=str(document["event_id"]),
        exchanges=(str(document["exchange"]),),
        asset=str(document["base"]),
        side=str(document["side"]),
        cents=_cents(document["value_usd"]),
        time_ms=int(document["timestamp_ms"]),
        price=float(document["price"]),
        completeness=str(document["completeness"]),
    )


def _alert(document: Any) -> Facets:
    return Facets(
        identity=str(document["alert_id"]),
        exchanges=tuple(map(str, document["exchanges"])),
        asset=str(document["asset"]),
        side=str(document["side"]),
        cents=_cents(document["total_value_usd"]),
        time_ms=int(document["timestamp_ms"]),
    )


def _feed(document: Any) -> Facets:
    exchange, time_ms = str(document["exchange"]), int(document["timestamp_ms"])
    str(document["event"])
    return Facets("", (exchange,), "", "", 0, time_ms)


def _status(document: Any) -> Facets:
    return Facets("", (), "", "", 0, int(document["timestamp_ms"]))


def _cents(text: object) -> int:
    value = Decimal(str(text))
    if not value.is_finite():
        raise ValueError(f"{text} is no amount of dollars")
    return int(value * CENTS)


_FACETS: Final = {
    Stream.LIQUIDATIONS: _liquidation,
    Stream.CASCADES: _alert,
    Stream.WATCHES: _alert,
    Stream.FEEDS: _feed,
    Stream.STATUS: _status,
}
