"""The new lines in a node's files, in the files' order, from given positions on.

All files of the newest day are read, not only the last: a node that restarts from an older block
may write to an earlier hour.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from liq.producers.feeds.pieces import pieces
from liq.producers.node.hours import DamagedHourError, HourFile, Line, list_hours
from liq.producers.node.lines import (
    Chain,
    Hole,
    holds_liquidation,
    identity,
    is_json,
    separated,
)
from liq.producers.node.positions import Hour, Place, Positions

#: Remembered lines with liquidations, to recognize them if a node writes them again; about 15 MiB.
MAX_KNOWN_LINES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish, and the place to continue from once it is published."""

    value: bytes
    hour: Hour
    place: Place


@dataclass(slots=True)
class Batch:
    """The result of one read. `positions` are valid once all messages are published."""

    positions: Positions
    messages: list[Message] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    lines: int = 0
    repeated: int = 0


def starting_positions(tree: Path, start: Hour | None, *, is_oldest: bool = False) -> Positions:
    """Return the positions to begin with: an hour, the oldest file, or the end of the newest.

    Raises:
        OSError: the tree cannot be read.
        DamagedHourError: the newest file is compressed, and cannot be read.
    """
    if start is not None:
        return Positions({start: Place()})
    hours = list_hours(tree)
    if not hours or is_oldest:
        return Positions({hour: Place() for hour in list(hours)[:1]})
    newest, path = [*hours.items()][-1]
    file = HourFile(path)
    while file.has_more():
        file.read_lines()
    return Positions({newest: Place(offset=file.offset, check=file.check)})


class Tail:
    """Reader of a growing tree, from some positions on and some MiB at a time.

    Messages have at most `limit_bytes`.
    """

    def __init__(self, tree: Path, positions: Positions, limit_bytes: int) -> None:
        self._chain = Chain(positions.time_ms)
        self._tree = tree
        self._positions = positions.copy()
        self._limit_bytes = limit_bytes
        self._files: dict[Hour, HourFile] = {}
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def read(self, now_ms: int) -> Batch:
        """Return the new lines of one file, or an empty batch if no file has any.

        Raises:
            OSError: the tree, or a file in it, cannot be read.
        """
        hours = list_hours(self._tree, self._positions.first if self._positions else None)
        for hour in [hour for hour in self._files if hour not in hours]:
            del self._files[hour]
        newest = next(reversed(hours), None)
        for hour, path in hours.items():
            file = self._file(hour, path)
            batch = Batch(self._positions)
            begin = Place(file.version, file.offset, check=file.check)
            lines = self._lines(file, batch, is_newest=hour == newest)
            if lines or batch.damage or hour not in self._positions.places:
                self._take(batch, lines, hour, file, begin, now_ms)
                return batch
        return Batch(self._positions.copy())

    def _file(self, hour: Hour, path: Path) -> HourFile:
        file = self._files.get(hour)
        if file is None or file.path != path:
            place = self._positions.places.get(hour, Place())
            file = self._files[hour] = HourFile(path, place.offset, place.version, place.check)
        return file

    @staticmethod
    def _lines(file: HourFile, batch: Batch, *, is_newest: bool) -> list[Line]:
        """Return the next lines of a file."""
        lines: list[Line] = []
        try:
            while not lines and file.has_more():
                lines = file.read_lines()
        except DamagedHourError as error:
            batch.damage.append(str(error))
        if not lines and not is_newest:
            # The last line of a past hour may lack only its newline.
            rest = file.unended()
            if rest.strip() and is_json(rest):
                lines = [file.end_without_newline(rest)]
        return lines

    def _take(  # noqa: PLR0913, PLR0917 - lines and where they stand
        self,
        batch: Batch,
        lines: list[Line],
        hour: Hour,
        file: HourFile,
        begin: Place,
        now_ms: int,
    ) -> None:
        done = self._positions.places.get(hour, Place())
        if begin.version != file.version:
            begin = Place(file.version)
        for line, end, check in lines:
            batch.lines += 1
            hole = self._chain.note(line, now_ms)
            if hole is not None:
                batch.holes.append(hole)
            skip = done.pieces if begin[:2] == done[:2] else 0
            place = Place(file.version, end, check=check)
            self._add(batch, line, hour, begin, place, skip)
            begin = place
        self._positions.update({hour: begin}, self._chain.time_ms)
        batch.positions = self._positions.copy()

    def _add(  # noqa: PLR0913, PLR0917 - a line and where it stands
        self, batch: Batch, line: bytes, hour: Hour, begin: Place, end: Place, skip: int
    ) -> None:
        """Add the messages of a line, except those that were published before."""
        if not holds_liquidation(line):
            return
        values = [
            piece
            for part in separated(line)
            if holds_liquidation(part)
            for piece in self._new_pieces(batch, part, is_known=skip > 0)
        ]
        for count, value in enumerate(values, start=1):
            if count > skip:
                place = end if count == len(values) else begin._replace(pieces=count)
                batch.messages.append(Message(value, hour, place))

    def _new_pieces(self, batch: Batch, part: bytes, *, is_known: bool) -> list[bytes]:
        name = identity(part)
        if name in self._known and not is_known:
            batch.repeated += 1
            return []
        self._known[name] = None
        if len(self._known) > MAX_KNOWN_LINES:
            self._known.popitem(last=False)
        return pieces(part, self._limit_bytes)
