"""How a venue's module declares itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.reading import Reading
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason

Reader = Callable[[Reading, Any], None]
# The rows of a venue's own list of contracts and the ISO date on which they were true.
ContractParser = Callable[[Iterable[Mapping[str, Any]], str], list[Instrument]]

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
class CcxtList:
    """The classes of ccxt that list a venue's contracts."""

    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnList:
    """A venue's own list of contracts, for a venue that ccxt does not serve.

    A GET of `address` answers with the rows that `parse` takes.
    """

    address: str
    parse: ContractParser


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Where the contract metadata of a venue comes from: what one of its contracts is worth.

    Attributes:
        listed_by: The list that `liq instruments refresh` fetches.
        sources: The sources of the shipped values, in `<exchange>.contracts.json`, by the ISO date
            on which values of that source were true (`as_of`).
    """

    listed_by: CcxtList | OwnList
    sources: Mapping[str, str]


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
