"""Merging partitions by time.

Kafka orders records within a partition only. A normalizer that catches up after an outage, or reads
a replay, would otherwise emit hours of one venue before those of another, and the detector would
find cascades that did not happen. So records are buffered until no other partition can have an
earlier one.
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
    """A buffer of fetched records of several partitions, which releases them in time order.

    The order within a partition never changes: a record's effective time is the running maximum of
    its partition.
    """

    def __init__(
        self, time_of: Callable[[Record], int], size_of: Callable[[Record], int] = sys.getsizeof
    ) -> None:
        """Create a buffer; `time_of` returns a record's time, `size_of` its bytes."""
        self._time_of = time_of
        self._size_of = size_of
        self._held: dict[Partition, deque[_Held[Record]]] = {}
        self._newest: dict[Partition, int] = {}
        self.held_bytes = 0

    def add(self, partition: Partition, records: Sequence[Record]) -> None:
        """Add fetched records of a partition, in offset order."""
        held = self._held.setdefault(partition, deque())
        newest = self._newest.get(partition, 0)
        for record in records:
            newest = max(newest, self._time_of(record))
            size = self._size_of(record)
            self.held_bytes += size
            held.append(_Held(newest, size, record))
        self._newest[partition] = newest

    def forget(self, partition: Partition) -> None:
        """Drop the records of a partition that was revoked, or whose position was moved."""
        for held in self._held.pop(partition, ()):
            self.held_bytes -= held.size
        self._newest.pop(partition, None)

    def held(self, partition: Partition) -> int:
        """Return the number of buffered records of a partition."""
        return len(self._held.get(partition, ()))

    def first(self, partition: Partition) -> Record | None:
        """Return the first buffered record of a partition; None without one."""
        held = self._held.get(partition)
        return held[0].record if held else None

    @property
    def oldest(self) -> int | None:
        """The earliest effective time of a buffered record; None without one."""
        return min((held[0].time for held in self._held.values() if held), default=None)

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions with buffered records."""
        return tuple(partition for partition, held in self._held.items() if held)

    def barrier(self, behind: Collection[Partition]) -> tuple[int, Partition] | None:
        """Return the latest time that may be released, and the partition that limits it.

        `behind` are the partitions with unfetched records; each must have buffered records. The
        next record of a partition is no earlier than its newest buffered one.
        """
        return min(
            ((self._newest[partition], partition) for partition in behind),
            key=lambda item: item[0],
            default=None,
        )

    def release(
        self, until: int, *, max_records: int = sys.maxsize, max_bytes: int = sys.maxsize
    ) -> list[tuple[Partition, Record]]:
        """Remove and return, in time order, the records that are no later than `until`.

        Stops at `max_records`, or with the record that reaches `max_bytes`.
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
