"""The newest records of all streams in the order of arrival, shared by every reader.

Readers have no queues. Each reader keeps a position in the window, so a reader that stops reading
does not affect the others. When its position leaves the window, it receives an error.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from liq.schemas.client import SeenIds
from liq.web.cursor import Cursor
from liq.web.filters import Filters
from liq.web.records import Place, Stream, StreamRecord

#: Python's memory for a record besides its bytes.
OVERHEAD_BYTES: Final = 1_000
#: The number of ids by which copies are recognized, some 240 bytes each.
REMEMBERED: Final = 50_000
#: The most filters whose encoded records a batch caches.
REMEMBERED_FILTERS: Final = 64


class TooOldError(Exception):
    """A reader requests records that are not in the window any more."""


@dataclass(slots=True)
class Batch:
    """The records that arrived together; `ends` are the next offsets of their partitions."""

    sequence: int
    records: Sequence[StreamRecord]
    ends: Mapping[Place, int]
    size_bytes: int
    _encoded: dict[tuple[Stream, Filters], bytes] = field(default_factory=dict)

    def encoded(self, stream: Stream, filters: Filters) -> bytes:
        """Return the filtered records of a stream as a JSON array; empty bytes without records.

        All readers with the same filters share the bytes.
        """
        known = self._encoded.get((stream, filters))
        if known is None:
            known = join(
                record
                for record in self.records
                if record.place.stream is stream and filters.accept(record.facets)
            )
            if len(self._encoded) < REMEMBERED_FILTERS:
                self._encoded[stream, filters] = known
        return known


def join(records: Iterator[StreamRecord]) -> bytes:
    """Return records as a JSON array of their exact bytes; empty bytes without records."""
    values = [record.value for record in records]
    return b"[" + b",".join(values) + b"]" if values else b""


class Window:
    """A window of the newest records, of at most `max_bytes`, without copies."""

    def __init__(self, max_bytes: int) -> None:
        """Start without records."""
        self._max_bytes = max_bytes
        self._batches: deque[Batch] = deque()
        self._size_bytes = 0
        self._next_sequence = 0
        self._seen = SeenIds(REMEMBERED)
        self._arrived = asyncio.Event()
        #: The first offset of each partition in the window.
        self.starts: dict[Place, int] = {}
        #: The next offset of each partition.
        self.ends: dict[Place, int] = {}

    @property
    def next_sequence(self) -> int:
        """The sequence number of the next batch."""
        return self._next_sequence

    @property
    def size_bytes(self) -> int:
        """The estimated memory of the records."""
        return self._size_bytes

    def begin(self, place: Place, offset: int) -> None:
        """Record the offset at which reading of a partition begins."""
        self.starts[place] = self.ends[place] = offset

    def add(self, records: Sequence[StreamRecord], ends: Mapping[Place, int]) -> list[StreamRecord]:
        """Add records that arrived together; return those that are not copies.

        `ends` also cover partitions without readable records.
        """
        fresh = [
            record
            for record in records
            if not record.facets.identity or self._seen.is_new(record.facets.identity)
        ]
        self.ends.update(ends)
        size = sum(len(record.value) + OVERHEAD_BYTES for record in fresh)
        self._batches.append(Batch(self._next_sequence, fresh, dict(ends), size))
        self._next_sequence += 1
        self._size_bytes += size
        while self._size_bytes > self._max_bytes and len(self._batches) > 1:
            left = self._batches.popleft()
            self._size_bytes -= left.size_bytes
            self.starts.update(left.ends)
        self._arrived.set()
        self._arrived = asyncio.Event()
        return fresh

    async def wait(self) -> None:
        """Wait for the next batch."""
        await self._arrived.wait()

    def since(self, sequence: int) -> Iterator[Batch]:
        """Return the batches from a sequence number on.

        Raises:
            TooOldError: the first of them is not in the window any more.
        """
        oldest = self._batches[0].sequence if self._batches else self._next_sequence
        if sequence < oldest:
            raise TooOldError("the reader was too slow: what follows is not in memory any more")
        # Access to the middle of a deque is slow, and most readers are at its end.
        wanted = []
        for batch in reversed(self._batches):
            if batch.sequence < sequence:
                break
            wanted.append(batch)
        return reversed(wanted)

    def check(self, cursor: Cursor, streams: Collection[Stream]) -> None:
        """Check that the window has all records after a cursor in these streams.

        Raises:
            TooOldError: some are not in the window any more, or the cursor is of another log.
        """
        for place, offset in cursor.items():
            if place.stream not in streams:
                continue
            start, end = self.starts.get(place), self.ends.get(place)
            if start is None or end is None or offset > end:
                raise TooOldError(f"{place.stream} has no position {place.partition}:{offset}")
            if offset < start:
                raise TooOldError(
                    f"{place.stream} {place.partition} is in memory from {start} on, not from "
                    f"{offset}; older records are in ClickHouse"
                )

    def missed(self, cursor: Cursor, streams: Collection[Stream]) -> list[StreamRecord]:
        """Return the records of streams from a cursor on, in the order of arrival.

        A partition that is absent from the cursor is new, and is read from its start.

        Raises:
            TooOldError: as `check`.
        """
        self.check(cursor, streams)
        if cursor == self.ends:
            # A reader that starts now has missed no records.
            return []
        return [
            record
            for batch in self._batches
            for record in batch.records
            if record.place.stream in streams and record.offset >= cursor.get(record.place, 0)
        ]

    def newest(self, stream: Stream, filters: Filters, limit: int) -> list[StreamRecord]:
        """Return the newest records of a stream that pass the filters, the newest first."""
        found: list[StreamRecord] = []
        for batch in reversed(self._batches):
            for record in reversed(batch.records):
                if record.place.stream is stream and filters.accept(record.facets):
                    found.append(record)
                    if len(found) == limit:
                        return found
        return found
