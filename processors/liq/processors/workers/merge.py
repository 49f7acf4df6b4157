"""Merging partitions by time.

Kafka orders records within a partition only. A normalizer that catches up after an outage, or
reads a replay, would otherwise hand out one venue's hours before another's, and the detector
would see cascades that never were. So records are held until no other partition can still hold
an earlier one.
"""

import heapq
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)
Record = TypeVar("Record")


class MergeBuffer(Generic[Partition, Record]):
    """Holds fetched records of several partitions and releases them in time order.

    Order within a partition is kept whatever its times say: a record's effective time is the
    running maximum of its partition.
    """

    def __init__(self, time_of: Callable[[Record], int]) -> None:
        """`time_of` gives a record's time, in any unit that compares."""
        self._time_of = time_of
        self._held: dict[Partition, deque[tuple[int, Record]]] = {}
        self._newest: dict[Partition, int] = {}

    def add(self, partition: Partition, records: Sequence[Record]) -> None:
        """Take records that were fetched, in offset order."""
        held = self._held.setdefault(partition, deque())
        newest = self._newest.get(partition, 0)
        for record in records:
            newest = max(newest, self._time_of(record))
            held.append((newest, record))
        self._newest[partition] = newest

    def forget(self, partition: Partition) -> None:
        """Drop what is held of a partition: it was taken away, or its position moved."""
        self._held.pop(partition, None)
        self._newest.pop(partition, None)

    def held(self, partition: Partition) -> int:
        """How many records of a partition are held."""
        return len(self._held.get(partition, ()))

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Partitions of which something is held."""
        return tuple(partition for partition, held in self._held.items() if held)

    def release(self, behind: Collection[Partition]) -> list[tuple[Partition, Record]]:
        """Give out, in time order, what no later fetch can precede.

        `behind` are the partitions of which the broker has more than was fetched. Nothing later
        than the newest record held of any of them is given out.
        """
        if any(not self.held(partition) for partition in behind):
            return []
        barrier = min((self._newest[partition] for partition in behind), default=None)
        heap = [
            (held[0][0], index, partition)
            for index, (partition, held) in enumerate(self._held.items())
            if held
        ]
        heapq.heapify(heap)
        released: list[tuple[Partition, Record]] = []
        while heap and (barrier is None or heap[0][0] <= barrier):
            _, index, partition = heapq.heappop(heap)
            held = self._held[partition]
            released.append((partition, held.popleft()[1]))
            if held:
                heapq.heappush(heap, (held[0][0], index, partition))
        return released


def in_release_order(
    grouped: dict[Partition, list[tuple[int, Record]]],
) -> Iterator[tuple[Partition, Record]]:
    """Undo the grouping of a release: each record carries its place in it."""
    streams = [
        [(place, partition, record) for place, record in records]
        for partition, records in grouped.items()
    ]
    for _, partition, record in heapq.merge(*streams, key=lambda item: item[0]):
        yield partition, record
