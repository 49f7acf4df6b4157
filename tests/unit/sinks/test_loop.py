"""What the consumer loop does when partitions arrive at an awkward time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

from aiokafka import TopicPartition

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.schemas.headers import Headers
from liq.sinks.attempts import Attempts
from liq.sinks.destination import FailureKind
from liq.sinks.loop import SinkLoop
from tests.support.memory_destination import MemoryDestination, OrderedError

TOPIC = "liquidations.events"
OLD, NEW = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int = 0
    topic: str = TOPIC
    timestamp: int = 1_783_500_000_000
    value: bytes | None = b"value"
    headers: Headers = ()


class ConsumerWithLateAssignment:
    """A consumer whose second partition is assigned, and fetched from, between pause and poll."""

    def __init__(self) -> None:
        self._assigned = {OLD}
        self._paused: set[TopicPartition] = set()
        self._fetched = {OLD: [Record(0)]}
        self.committed_offsets: dict[TopicPartition, int] = {}
        self._subscription = SimpleNamespace(subscription=None)

    def assignment(self) -> set[TopicPartition]:
        return set(self._assigned)

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused |= set(partitions)
        if NEW not in self._assigned:
            self._assigned.add(NEW)
            self._fetched[NEW] = [Record(1)]

    def paused(self) -> set[TopicPartition]:
        return set(self._paused)

    def resume(self, *partitions: TopicPartition) -> None:
        self._paused -= set(partitions)

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, list[Record]]:
        await asyncio.sleep(timeout_ms / 1000 if not self._fetched else 0)
        assert max_records > 0
        given = {at: records for at, records in self._fetched.items() if at not in self._paused}
        for partition in given:
            del self._fetched[partition]
        return given

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def committed(self, partition: TopicPartition) -> int | None:
        return self.committed_offsets.get(partition)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed_offsets.update(offsets)

    def highwater(self, partition: TopicPartition) -> int | None:  # noqa: ARG002
        return None


async def test_records_of_a_partition_that_is_assigned_during_a_pause_are_stored() -> None:
    destination = MemoryDestination([TOPIC], rows=1)
    destination.failure = OrderedError(FailureKind.RETRY)
    health, stop, consumer = Health(), asyncio.Event(), ConsumerWithLateAssignment()
    loop = SinkLoop(Settings(), health, consumer, destination, Attempts(destination, health))
    running = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(30):
        while NEW not in consumer.assignment():  # noqa: ASYNC110 - a fake sets no event
            await asyncio.sleep(0.01)
        destination.failure = None
        while consumer.committed_offsets.get(OLD) != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert set(destination.stored) == {(TOPIC, 0, 0), (TOPIC, 1, 0)}
    assert consumer.committed_offsets == {OLD: 1, NEW: 1}
