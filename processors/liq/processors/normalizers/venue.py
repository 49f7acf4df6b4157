"""How a venue's module declares itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.reading import Reading
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason

Reader = Callable[[Reading, Any], None]

# What ids are made of where the venue has none.
RAW_FIELDS = "raw fields"


@dataclass(frozen=True, slots=True)
class Feed:
    """One endpoint of an exchange, and what a user should know of it (`liq venues` prints it).

    A reader is given a frame's parsed JSON, whatever that is. It returns without a result for a
    control frame, hands its entries to `Reading.entries`, and raises `EntryError` when the frame as
    a whole makes no sense.

    `publishes` says in a few words what the feed tells of. `completeness` and `price_kind` are
    those of the feed's usual event; an event says its own. `identity` names the fields that an
    event's id is made of, `RAW_FIELDS` where the venue has no id.
    """

    read: Reader
    publishes: str
    completeness: Completeness
    price_kind: PriceKind
    identity: str = RAW_FIELDS


@dataclass(frozen=True, slots=True)
class Venue:
    """One exchange: the feeds that it is read from, by name.

    `control_texts` are control frames that are not JSON.
    """

    exchange: str
    feeds: Mapping[str, Feed]
    control_texts: frozenset[bytes] = frozenset()


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
