"""The declaration of a venue: its feeds and the sources of its contract metadata."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.instruments import FamilyOf, own_family
from liq.processors.normalizers.reading import Reading
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import Arrival, Completeness, PriceKind, RejectReason

Reader = Callable[[Reading, Any], None]
# Takes a venue's parsed list of contracts, and the ISO date on which it was true.
ContractParser = Callable[[Any, str], list[Instrument]]

# The `identity` of feeds without ids of the venue.
RAW_FIELDS: Final = "raw fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One endpoint of an exchange, and the facts that users should know about it.

    `liq venues` and the table of docs/venues.md are generated from these fields.

    Attributes:
        read: The reader of a frame's parsed JSON, which may be any value. For a control frame, it
            returns without a result. It passes the entries of a frame to `Reading.entries`, and
            raises `EntryError` if the frame as a whole is invalid.
        publishes: The content of the feed, in a few words.
        completeness: The completeness of the feed's usual event; every event also has its own.
        price_kind: The price kind of the feed's usual event; every event also has its own.
        long_when: The field and its value that mean a liquidated long, and in brackets whose side
            the field is: the order's, the position's or the taker's.
        quantity: The unit of the quantity on the wire.
        identity: The fields that determine an event's id.
        breaks: Known breaks in the series.
        unsettled: Questions that documentation and recordings leave open.
        arrival: How the feed's events reach the log. Events of a history always arrive late.
    """

    read: Reader
    publishes: str
    completeness: Completeness
    price_kind: PriceKind
    long_when: str
    quantity: str
    identity: str = RAW_FIELDS
    breaks: str = "none known"
    unsettled: str = ""
    arrival: Arrival = Arrival.LIVE


def history_of(feed: Feed, read: Reader, unsettled: str = "") -> Feed:
    """Declare the history of a live feed: the same events, read from another format."""
    return replace(
        feed,
        read=read,
        publishes="the same, out of the venue's history",
        unsettled=unsettled,
        arrival=Arrival.BACKFILLED,
    )


def completion_of(history: Feed) -> Feed:
    """Declare a history that is requested continuously, for events missing from the live feed."""
    return replace(history, arrival=Arrival.COMPLETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractList:
    """A list of contracts that a venue publishes: the response to a GET of `address`.

    Attributes:
        setting: The environment variable that replaces the address.
        parse: The parser of a response; it returns sizes exactly as listed, also absurd ones, and
            raises `ValueError` with a sentence for a response that is not a list.
        lists: Return whether a contract of the venue belongs to this list.
    """

    setting: str
    address: str
    parse: ContractParser
    lists: Callable[[Instrument], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """The sources of a venue's contract metadata, which determines the value of its contracts.

    Attributes:
        listed_by: The lists that `liq reference` fetches every hour.
        family_of: Return the family of a contract: contracts that differ by their dates only, and
            the perpetual of the same size. A contract without relatives is its own family.
        sources: The sources of the shipped values, in `<exchange>.contracts.json`, by the ISO date
            on which values of that source were true (`as_of`).
    """

    listed_by: tuple[ContractList, ...]
    sources: Mapping[str, str]
    family_of: FamilyOf = own_family


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """One exchange, and its feeds by name.

    `control_texts` are control frames that are not JSON. `contracts` is None for a venue whose
    symbols alone determine its contracts.
    """

    exchange: str
    feeds: Mapping[str, Feed]
    control_texts: frozenset[bytes] = frozenset()
    contracts: Contracts | None = None


def unknown_message(message: object) -> EntryError:
    """Return the error for a frame whose shape is not known for the venue."""
    if isinstance(message, dict):
        names = ", ".join(shown(name) for name in list(message)[:6])
        return EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known message has the fields {names or '(none)'}."
        )
    return EntryError(
        RejectReason.UNKNOWN_MESSAGE, f"No known message is {shown(message)} as a whole."
    )
