"""The handled offsets of a consumer's partitions, which may be committed. Pure.

Aborted records, markers of transactions and compacted records are offsets without a record: the
consumer's position passes them, and no batch ends behind them. So if all batches of a partition are
handled, its position is committed. Otherwise a log that ends in such offsets would have a lag for
ever.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: Faust's pair of topic and partition.
Place = Any


class Committable(NamedTuple):
    """An offset to commit, the stage's note for it, and whether it lies beyond the last record.

    The note is None if no batch was handled: the note of the last commit remains valid.
    """

    offset: int
    note: str | None
    is_passed: bool


@dataclass(slots=True)
class HandledOffsets:
    """The offsets of each partition: first record, ends of sent and handled batches, position."""

    _starts: dict[Place, int] = field(default_factory=dict)
    _sent_ends: dict[Place, int] = field(default_factory=dict)
    _handled_ends: dict[Place, int] = field(default_factory=dict)
    _passed: dict[Place, int] = field(default_factory=dict)
    # The stages' notes for the next owner, to commit with the handled ends.
    _notes: dict[Place, str] = field(default_factory=dict)

    def start(self, place: Place, offset: int) -> None:
        """Record the offset of a record that is passed to an agent; only the first one counts."""
        self._starts.setdefault(place, offset)

    def send(self, ends: Mapping[Place, int]) -> None:
        """Record the ends of a batch that is passed to an agent."""
        self._sent_ends.update(ends)

    def move(self, place: Place, position: int) -> None:
        """Record the consumer's position after all records before it were passed to agents."""
        self._passed[place] = position

    def handle(self, ends: Mapping[Place, int], notes: Mapping[int, str]) -> None:
        """Record the ends of a handled batch; `notes` are by number of the partition."""
        self._handled_ends.update(ends)
        for place in ends:
            self._notes[place] = notes.get(place.partition, "")

    def forget(self, places: Iterable[Place]) -> None:
        """Discard the offsets of revoked partitions."""
        known = (self._starts, self._sent_ends, self._handled_ends, self._passed)
        for place in places:
            for offsets in known:
                offsets.pop(place, None)
            self._notes.pop(place, None)

    def unhandled(self, place: Place) -> int:
        """Return the number of offsets that are passed to agents and not handled yet."""
        handled = self._handled_ends.get(place, self._starts.get(place, 0))
        return self._sent_ends.get(place, handled) - handled

    @property
    def places(self) -> list[Place]:
        """The partitions that may have an offset to commit."""
        return list(self._handled_ends.keys() | self._passed.keys())

    def committable(self, place: Place) -> Committable | None:
        """Return the offset to commit for a partition; None if no offset is known."""
        handled = self._handled_ends.get(place)
        passed = self._passed.get(place)
        note = self._notes.get(place)
        is_at_rest = handled == self._sent_ends.get(place)
        if passed is not None and is_at_rest and passed > (handled or 0):
            return Committable(passed, note, is_passed=True)
        return None if handled is None else Committable(handled, note, is_passed=False)
