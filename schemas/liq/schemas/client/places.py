"""The offsets of a reader in each partition: returned, handled, and to commit. Pure.

Some offsets yield no record: heartbeats, repeats, aborted transactions. So for a partition without
unhandled records, the reader commits the consumer's position.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: aiokafka's pair of topic and partition.
Place = Any
PARTITIONS_NOTE: Final = "partitions="


@dataclass(slots=True)
class Places:
    """The offsets of a reader by partition."""

    _begins: dict[Place, int] = field(default_factory=dict)
    _committed: dict[Place, int] = field(default_factory=dict)
    # The offset after the last record that was returned and is not handled.
    _given: dict[Place, int] = field(default_factory=dict)
    _handled: dict[Place, int] = field(default_factory=dict)

    def begin(self, place: Place, offset: int, *, committed: int | None) -> None:
        """Set the first offset to return, and the group's committed offset."""
        self._begins[place] = offset
        self._committed.pop(place, None)
        if committed is not None:
            self._committed[place] = committed

    def is_before(self, place: Place, offset: int) -> bool:
        """Return whether a record lies before the first offset to return."""
        return offset < self._begins.get(place, 0)

    def give(self, place: Place, offset: int) -> None:
        """Record that the reader returns a record."""
        self._given[place] = offset + 1

    def handle(self, place: Place, offset: int) -> None:
        """Mark a record, and all before it in its partition, as handled."""
        self._handled[place] = offset + 1
        if self._given.get(place) == offset + 1:
            del self._given[place]

    def to_commit(self, positions: Mapping[Place, int]) -> dict[Place, int]:
        """Return the offsets to commit beyond the committed ones, of partitions that have begun."""
        offsets = {}
        for place in positions.keys() & self._begins.keys():
            position, handled = positions[place], self._handled.get(place, -1)
            offset = handled if place in self._given else max(handled, position)
            if offset > self._committed.get(place, -1):
                offsets[place] = offset
        return offsets

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Record committed offsets."""
        self._committed.update(offsets)


def partitions_note(count: int) -> str:
    """Return the metadata of a commit: the number of partitions when the group began."""
    return f"{PARTITIONS_NOTE}{count}"


def noted_partitions(notes: Iterable[str | None]) -> int | None:
    """Return the number of partitions when the group began; None if no commit has it.

    Partitions beyond that number were added later, and are completely new to the group.
    """
    counts = []
    for note in notes:
        name, separator, count = (note or "").partition("=")
        if f"{name}{separator}" == PARTITIONS_NOTE and count.isdecimal():
            counts.append(int(count))
    return min(counts, default=None)
