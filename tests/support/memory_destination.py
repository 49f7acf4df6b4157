"""A destination in memory, with failures that a test chooses."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from liq.sinks.batch import BatchLimits, Delivered, Partition, RecordsByTopic
from liq.sinks.destination import (
    Destination,
    Failure,
    FailureKind,
    Intake,
    PartitionLog,
    Position,
    PositionsLostError,
    Start,
)
from liq.sinks.refusals import Refusal, Refusals

NAME = "memory"
STAGE = "sink-memory"
Place = tuple[str, int, int]


class OrderedError(Exception):
    """A failure of a kind that the test chooses."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(f"the test ordered {kind}")
        self.kind = kind


class MemoryDestination(Destination):
    """A destination that stores values by position, and records the loop's calls.

    While `failure` is set, every flush raises it. A flush waits for `is_open`, and fails with ROW
    while one of the `bad` values is in the batch.
    """

    def __init__(
        self,
        topics: Collection[str],
        *,
        rows: int = 10,
        seconds: float = 0.05,
        start: Start = Start.OLDEST,
    ) -> None:
        limits = BatchLimits(rows=rows, seconds=seconds, size_bytes=1_000_000)
        self._intake = Intake(name=NAME, stage=STAGE, topics=topics, limits=limits, start=start)
        self._accepted: RecordsByTopic = {}
        self.failure: Exception | None = None
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.bad: Collection[bytes] = ()
        self.stored: dict[Place, bytes | None] = {}
        self.refused: list[Refusal] = []
        self.assignments: list[list[Partition]] = []
        self.flush_count = 0
        self.close_count = 0

    @property
    def intake(self) -> Intake:
        return self._intake

    async def open(self) -> None:
        if self.failure is not None:
            raise self.failure

    def assigned(self, partitions: Collection[Partition]) -> None:
        self.assignments.append(sorted(partitions))

    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:  # noqa: ARG002
        self._accepted = records

    async def flush(self) -> None:
        self.flush_count += 1
        await self.is_open.wait()
        if self.failure is not None:
            raise self.failure
        records = [record for found in self._accepted.values() for record in found]
        if any(record.value in self.bad for record in records):
            raise OrderedError(FailureKind.ROW)
        self.stored |= {position(record): record.value for record in records}

    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        self.refused += refusals

    async def close(self) -> None:
        self.close_count += 1

    def classify(self, error: Exception) -> Failure | None:
        if isinstance(error, OrderedError):
            return Failure(error.kind, "ordered", str(error))
        return None


class KeepingDestination(MemoryDestination):
    """A destination that keeps its own positions, and can lose all stored values."""

    def __init__(self, topics: Collection[str], *, rows: int = 10) -> None:
        super().__init__(topics, rows=rows)
        self._intake = replace(self._intake, keeps_positions=True)
        self._has_lost = False
        self.resumed: list[Mapping[Partition, Position]] = []

    def lose_everything(self) -> None:
        self.stored.clear()
        self._has_lost = True

    async def positions(
        self, logs: Mapping[Partition, PartitionLog]
    ) -> Mapping[Partition, Position]:
        if self.failure is not None:
            raise self.failure
        found = {}
        for topic, partition in logs:
            offsets = [each[2] for each in self.stored if each[:2] == (topic, partition)]
            found[topic, partition] = Position(max(offsets) + 1) if offsets else Position()
        self.resumed.append(found)
        return found

    async def flush(self) -> None:
        if self._has_lost:
            self._has_lost = False
            raise PositionsLostError("the test lost it")
        await super().flush()


def position(record: Delivered) -> Place:
    return record.topic, record.partition, record.offset
