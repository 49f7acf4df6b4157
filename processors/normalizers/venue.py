"""How a venue's module declares itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from processors.normalizers.errors import EntryError, shown
from processors.normalizers.reading import Reading
from schemas.vocabulary import RejectReason

Reader = Callable[[Reading, Any], None]


@dataclass(frozen=True, slots=True)
class Venue:
    """One exchange: the feeds that it is read from, each with its reader.

    A reader is given a frame's parsed JSON, whatever that is. It returns without a result for a
    control frame, hands each entry to `Reading.entry`, and raises `EntryError` when the frame as
    a whole makes no sense. `control_texts` are control frames that are not JSON.
    """

    exchange: str
    feeds: Mapping[str, Reader]
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
