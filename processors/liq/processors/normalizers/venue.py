"""How a venue's module declares itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.instruments import FamilyOf, own_family
from liq.processors.normalizers.reading import Reading
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason

Reader = Callable[[Reading, Any], None]
# A venue's answer to a request for its contracts, parsed, and the ISO date on which it was true.
ContractParser = Callable[[Any, str], list[Instrument]]

# What ids are made of where the venue has none.
RAW_FIELDS: Final = "raw fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One endpoint of an exchange, and what a user should know of it.

    `liq venues` and the table of docs/venues.md are made of these fields.

    Attributes:
        read: Read a frame's parsed JSON, whatever that is. A reader returns without a result for a
            control frame, hands the entries of a frame to `Reading.entries`, and raises
            `EntryError` when the frame as a whole makes no sense.
        publishes: What the feed publishes, in a few words.
        completeness: The completeness of the feed's usual event; an event has its own.
        price_kind: The price kind of the feed's usual event; an event has its own.
        long_when: The field and its value that mean a liquidated long, and in brackets whose side
            the field is: the order's, the position's or the taker's.
        quantity: The unit of the quantity on the wire.
        identity: The fields that an event's id is made of.
        breaks: Known breaks in the series.
        unsettled: Questions that documentation and recordings leave open.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractList:
    """A list of contracts that a venue publishes: a GET of `address` answers with it.

    Attributes:
        setting: The environment variable that replaces the address.
        parse: Return the contracts of an answer; sizes are given back as they stand, absurd ones
            too. It raises `ValueError` with a sentence for an answer that is no list.
        lists: Whether the list is the one in which a contract of the venue belongs.
    """

    setting: str
    address: str
    parse: ContractParser
    lists: Callable[[Instrument], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Where the contract metadata of a venue comes from: what one of its contracts is worth.

    Attributes:
        listed_by: The lists that `liq reference` fetches every hour.
        family_of: Return the family of a contract: contracts that differ in their dates alone, and
            the perpetual of the same size. A contract without one is its own family.
        sources: The sources of the shipped values, in `<exchange>.contracts.json`, by the ISO date
            on which values of that source were true (`as_of`).
    """

    listed_by: tuple[ContractList, ...]
    sources: Mapping[str, str]
    family_of: FamilyOf = own_family


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """One exchange, and the feeds that it is read from, by name.

    `control_texts` are control frames that are not JSON. `contracts` is None for a venue whose
    symbols say all about its contracts.
    """

    exchange: str
    feeds: Mapping[str, Feed]
    control_texts: frozenset[bytes] = frozenset()
    contracts: Contracts | None = None


def unknown_message(message: object) -> EntryError:
    """The error for a frame whose shape the venue is not known to send."""
    if isinstance(message, dict):
        names = ", ".join(shown(name) for name in list(message)[:6])
        return EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known message has the fields {names or '(none)'}."
        )
    return EntryError(
        RejectReason.UNKNOWN_MESSAGE, f"No known message is {shown(message)} as a whole."
    )
