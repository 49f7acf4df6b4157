"""The messages of one reader: the records since its last message, then new ones."""

from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from liq.web.cursor import Cursor, to_text
from liq.web.filters import Filters
from liq.web.records import Place, Stream, StreamRecord
from liq.web.window import Window, join

#: The most records in a message of missed records.
MISSED_RECORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Message:
    """Records of one stream as a JSON array, and the reader's position after them."""

    stream: Stream
    position: str
    data: bytes


async def follow(
    window: Window, streams: Collection[Stream], filters: Filters, cursor: Cursor | None
) -> AsyncGenerator[Message, None]:
    """Yield the records after a cursor, or new records from now on.

    Raises:
        TooOldError: the records after the cursor are not in memory any more.
    """
    sequence = window.next_sequence
    positions = {place: end for place, end in window.ends.items() if place.stream in streams}
    if cursor is not None:
        missed = window.missed(cursor, streams)
        ends, positions = (
            positions,
            {place: cursor.get(place, window.starts[place]) for place in positions},
        )
        for part in _parts(missed):
            stream = part[0].place.stream
            for record in part:
                positions[record.place] = record.offset + 1
            data = join(record for record in part if filters.accept(record.facets))
            if data:
                yield Message(stream, to_text(positions), data)
        positions = ends
    ordered = [stream for stream in Stream if stream in streams]
    while True:
        if sequence == window.next_sequence:
            await window.wait()
        for batch in window.since(sequence):
            sequence = batch.sequence + 1
            for stream in ordered:
                _move(positions, batch.ends.items(), stream)
                data = batch.encoded(stream, filters)
                if data:
                    yield Message(stream, to_text(positions), data)


def _move(positions: dict[Place, int], ends: Iterable[tuple[Place, int]], stream: Stream) -> None:
    """Advance the positions of one stream; a reader may leave between two messages of a batch."""
    positions.update({place: end for place, end in ends if place.stream is stream})


def _parts(records: Sequence[StreamRecord]) -> Iterable[Sequence[StreamRecord]]:
    """Yield parts with records of one stream each, in the order of arrival within a stream."""
    for stream in Stream:
        of_stream = [record for record in records if record.place.stream is stream]
        for start in range(0, len(of_stream), MISSED_RECORDS):
            yield of_stream[start : start + MISSED_RECORDS]
