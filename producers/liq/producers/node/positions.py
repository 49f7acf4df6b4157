"""Positions up to which a node's files were read, and their text in a Kafka header.

A file's name is its day and hour, `20251010/21`, whether it is compressed or not. A position is the
offset of a line in the plain text (bytes), and the number of that line's pieces that are published.
A check of the line before the offset recognizes a file that was replaced, which gets the next
version number. Cursors of releases before 2026-12 have no check.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: The number of newest files that are read for late lines: one day.
FOLLOWED_HOURS: Final = 24
#: The end of a line that is checked: longer than a fill, which has an id of its own.
CHECKED_BYTES: Final = 512
_ENTRY = re.compile(
    r"([0-9]{8})/([0-9]{1,2})=([0-9]{1,15})(?:\+([0-9]{1,6}))?(?:v([0-9]{1,6}))?"
    r"(?:#([0-9a-f]{8}))?",
    re.ASCII,
)
_TIME = re.compile(r"time=([0-9]{1,15})", re.ASCII)


class Hour(NamedTuple):
    """The hour of a file (UTC): 20251010 and 21."""

    day: int
    hour: int

    def __str__(self) -> str:
        """Return the file's place in its tree, `20251010/21`."""
        return f"{self.day:08}/{self.hour}"


def hour_of(text: str) -> Hour:
    """Return an hour from a text such as 20251010/21.

    Raises:
        ValueError: the text has another form.
    """
    match = re.fullmatch(r"([0-9]{8})/([0-9]{1,2})", text, re.ASCII)
    if match is None:
        raise ValueError(f"{text} is no hour such as 20251010/21")
    return Hour(int(match[1]), int(match[2]))


class Place(NamedTuple):
    """A place in a version of a file: the offset of a line, and the number of published pieces.

    `check` is that of the line before, or empty if unknown. Of two places in a file, the greater
    is further.
    """

    version: int = 0
    offset: int = 0
    pieces: int = 0
    check: str = ""


def check_of(line: bytes) -> str:
    """Return the check of a line without its newline: a hash of its end, 8 hexadecimal digits."""
    return hashlib.blake2b(line[-CHECKED_BYTES:], digest_size=4).hexdigest()


def check_before(text: bytes) -> str:
    """Return the check of the last line of a text, which has a newline or is not over yet."""
    return check_of(text.removesuffix(b"\n").rpartition(b"\n")[2])


@dataclass(slots=True)
class Positions:
    """The place up to which each file was read. Files before the first are not read.

    `time_ms` is the time of the newest block that was read (UTC), or 0.
    """

    places: dict[Hour, Place] = field(default_factory=dict)
    time_ms: int = 0

    def __bool__(self) -> bool:
        """Return whether there is a position."""
        return bool(self.places)

    @property
    def first(self) -> Hour:
        """The oldest file that is followed."""
        return min(self.places)

    def encode(self) -> str:
        """Return the header's text."""
        entries = [_entry(hour, place) for hour, place in sorted(self.places.items())]
        return ",".join([f"time={self.time_ms}", *entries])

    def copy(self) -> "Positions":
        """Return a copy that may be changed."""
        return Positions(dict(self.places), self.time_ms)

    def update(self, places: Mapping[Hour, Place], time_ms: int = 0) -> None:
        """Set places, and drop all but the newest `FOLLOWED_HOURS` files."""
        self.time_ms = max(self.time_ms, time_ms)
        self.places.update(places)
        for hour in sorted(self.places)[:-FOLLOWED_HOURS]:
            del self.places[hour]


def merged(cursors: Iterable[str]) -> Positions:
    """Return the positions of a producer, given its cursor headers, oldest first.

    A heartbeat may be older than frames before it, so in each file the furthest place counts. A
    header of another form is ignored.
    """
    positions = Positions()
    for cursor in cursors:
        found = _decode(cursor)
        further = {
            hour: place
            for hour, place in found.places.items()
            if place > positions.places.get(hour, Place(-1))
            and (not positions or hour >= positions.first)
        }
        positions.update(further, found.time_ms)
    return positions


def beginning(cursors: Iterable[str]) -> Positions:
    """Return the beginning of the newest hour that other producers' cursors have.

    Their places are of other nodes' files, but all nodes write the same hours.
    """
    hours = merged(cursors).places
    return Positions({max(hours): Place()} if hours else {})


def _entry(hour: Hour, place: Place) -> str:
    pieces = f"+{place.pieces}" if place.pieces else ""
    version = f"v{place.version}" if place.version else ""
    check = f"#{place.check}" if place.check else ""
    return f"{hour}={place.offset}{pieces}{version}{check}"


def _decode(text: str) -> Positions:
    positions = Positions()
    time, *entries = text.split(",")
    match = _TIME.fullmatch(time)
    if match is None:
        return positions
    positions.time_ms = int(match[1])
    for entry in entries:
        match = _ENTRY.fullmatch(entry)
        if match is None:
            return Positions()
        day, hour, offset, pieces, version, check = match.groups()
        place = Place(int(version or 0), int(offset), int(pieces or 0), check or "")
        positions.places[Hour(int(day), int(hour))] = place
    return positions
