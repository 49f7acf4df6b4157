"""A log in memory, and a reader that delivers it to the sink of the hot state like the loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from liq.runtime.settings import Settings
from liq.schemas.headers import Headers
from liq.sinks.batch import Partition
from liq.sinks.destination import PartitionLog, PositionsLostError
from liq.sinks.redis.destination import RedisDestination
from liq.sinks.refusals import Refusals

APPENDED_MS: Final = 1_783_500_000_000


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as Kafka delivers it."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    timestamp: int = APPENDED_MS
    headers: Headers = ()


class HotLog:
    """Partitions with values; a partition can be created again under another log's name."""

    def __init__(self) -> None:
        self.values: dict[Partition, list[tuple[bytes, int]]] = {}
        self.names: dict[Partition, str] = {}

    def append(self, partition: Partition, value: bytes, timestamp: int = APPENDED_MS) -> None:
        self.values.setdefault(partition, []).append((value, timestamp))
        self.names.setdefault(partition, "a")

    def records(self, partition: Partition, first: int, count: int) -> list[LogRecord]:
        found = self.values[partition][first : first + count]
        return [
            LogRecord(*partition, first + number, value, timestamp)
            for number, (value, timestamp) in enumerate(found)
        ]

    def logs(self) -> dict[Partition, PartitionLog]:
        return {
            each: PartitionLog(self.names[each], len(self.values[each])) for each in self.values
        }


class HotReader:
    """A reader that delivers a log to a destination from the destination's positions."""

    def __init__(self, settings: Settings, log: HotLog) -> None:
        self.destination = RedisDestination(settings)
        self._log = log
        self.offsets: dict[Partition, int] = {}

    async def resume(self) -> None:
        """Start at the destination's positions; unknown partitions start at the log's beginning."""
        positions = await self.destination.positions(self._log.logs())
        self.offsets = {each: position.offset or 0 for each, position in positions.items()}

    async def deliver(self, partition: Partition, count: int) -> Refusals:
        """Store the next records of a partition; start again if Redis has lost data."""
        records = self._log.records(partition, self.offsets[partition], count)
        refusals = await self.store(records)
        if refusals is None:
            await self.resume()
            return Refusals(0, 1)
        self.offsets[partition] += len(records)
        return refusals

    async def store(self, records: Sequence[LogRecord]) -> Refusals | None:
        """Store records; return None if Redis does not have the stored state any more."""
        refusals = Refusals(len(records), 1)
        by_topic: dict[str, list[LogRecord]] = {}
        for record in records:
            by_topic.setdefault(record.topic, []).append(record)
        self.destination.accept(by_topic, refusals)
        try:
            await self.destination.flush()
        except PositionsLostError:
            return None
        return refusals

    async def drain(self) -> None:
        """Deliver all records."""
        while behind := [
            each for each, values in self._log.values.items() if self.offsets[each] < len(values)
        ]:
            await self.deliver(behind[0], 100)
