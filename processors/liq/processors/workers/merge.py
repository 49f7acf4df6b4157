"""Merging partitions by time.

Kafka orders records within a partition only. A normalizer that catches up after an outage, or
reads a replay, would otherwise hand out one venue's hours before another's, and the detector
would see cascades that never were. So records are held until no other partition can still hold
an earlier one.
"""

import heapq
import sys
from collections import deque
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

Partition = TypeVar("Partition", bound=Hashable)
Record = TypeVar("Record")


class _Held(NamedTuple, Generic[Record]):
    time: int
    size: int
    record: Record


class MergeBuffer(Generic[Partition, Record]):
    """Holds fetched records of several partitions and releases them in time order.

    Order within a partition is kept whatever its times say: a record's effective time is the
    running maximum of its partition.
    """

    def __init__(
        self, time_of: Callable[[Record], int], size_of: Callable[[Record], int] = sys.getsizeof
    ) -> None:
        """`time_of` gives a record's time, in any unit that compares, `size_of` its bytes."""
        self._time_of = time_of
        self._size_of = size_of
        self._held: dict[Partition, deque[_Held[Record]]] = {}
        self._newest: dict[Partition, int] = {}
        self.held_bytes = 0

    def add(self, partition: Partition, records: Sequence[Record]) -> None:
        """Add records that were fetched, in offset order."""
        held = self._held.setdefault(partition, deque())
        newest = self._newest.get(partition, 0)
        for record in records:
            newest = max(newest, self._time_of(record))
            size = self._size_of(record)
            self.held_bytes += size
            held.append(_Held(newest, size, record))
        self._newest[partition] = newest

    def forget(self, partition: Partition) -> None:
        """Drop what is held of a partition: it was taken away, or its position moved."""
        for held in self._held.pop(partition, ()):
            self.held_bytes -= held.size
        self._newest.pop(partition, None)

    def held(self, partition: Partition) -> int:
        """How many records of a partition are held."""
        return len(self._held.get(partition, ()))

    def first(self, partition: Partition) -> Record | None:
        """The oldest record that is held of a partition."""
        held = self._held.get(partition)
        return held[0].record if held else None

    @property
    def oldest(self) -> int | None:
        """The earliest time of a record that is held."""
        return min((held[0].time for held in self._held.values() if held), default=None)

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Partitions of which something is held."""
        return tuple(partition for partition, held in self._held.items() if held)

    def barrier(self, behind: Collection[Partition]) -> tuple[int, Partition] | None:
        """Return the time after which nothing may be released yet, and the partition at fault.

        `behind` are the partitions of which the broker has more than was fetched; something is
        held of each. Their next records are no earlier than the newest that is held of them.
        """
        return min(
            ((self._newest[partition], partition) for partition in behind),
            key=lambda item: item[0],
            default=None,
        )

    def release(
        self, until: int, *, max_records: int = sys.maxsize, max_bytes: int = sys.maxsize
    ) -> list[tuple[Partition, Record]]:
        """Give out, in time order, what is no later than `until`.

        At most `max_records` are given out, and none after `max_bytes` are reached.
        """
        heap = [
            (held[0].time, index, partition)
            for index, (partition, held) in enumerate(self._held.items())
            if held and held[0].time <= until
        ]
        heapq.heapify(heap)
        released: list[tuple[Partition, Record]] = []
        released_bytes = 0
        while heap and len(released) < max_records and released_bytes < max_bytes:
            _, index, partition = heap[0]
            held = self._held[partition]
            _, size, record = held.popleft()
            released.append((partition, record))
            released_bytes += size
            if held and held[0].time <= until:
                heapq.heapreplace(heap, (held[0].time, index, partition))
            else:
                heapq.heappop(heap)
        self.held_bytes -= released_bytes
        return released
