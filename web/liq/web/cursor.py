"""A reader's position in the streams: the next offset of every partition, as one short text.

    cascades=0:17.3:2;liquidations=0:90210.1:88

A reader that reconnects with the text of its last message receives the records after it. Each
partition continues at its offset, on any server and in any interleaving of partitions.
"""

import re
from collections.abc import Mapping
from typing import Final

from liq.web.records import Place, Stream

MAX_CHARACTERS: Final = 8_192
_TEXT: Final = re.compile(r"[a-z]{1,20}=[0-9]{1,6}:[0-9]{1,18}(?:\.[0-9]{1,6}:[0-9]{1,18})*")

Cursor = Mapping[Place, int]
"""The next offset of each partition."""


class CursorError(ValueError):
    """A text is not a cursor; the message has the reason."""


def to_text(cursor: Cursor) -> str:
    """Serialize a cursor as text without spaces."""
    places: dict[Stream, list[str]] = {}
    for place in sorted(cursor):
        places.setdefault(place.stream, []).append(f"{place.partition}:{cursor[place]}")
    return ";".join(f"{stream}={'.'.join(parts)}" for stream, parts in places.items())


def from_text(text: str) -> dict[Place, int]:
    """Parse a cursor.

    Raises:
        CursorError: the text is not a cursor.
    """
    if len(text) > MAX_CHARACTERS:
        raise CursorError(f"a position has at most {MAX_CHARACTERS} characters")
    cursor: dict[Place, int] = {}
    for part in text.split(";"):
        if _TEXT.fullmatch(part) is None:
            raise CursorError("a position is the id of a message, like liquidations=0:17.1:3")
        name, _, offsets = part.partition("=")
        try:
            stream = Stream(name)
        except ValueError as error:
            raise CursorError(f"there is no stream {name}") from error
        for pair in offsets.split("."):
            partition, _, offset = pair.partition(":")
            cursor[Place(stream, int(partition))] = int(offset)
    return cursor
