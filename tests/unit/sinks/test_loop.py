"""What the consumer loop does when partitions arrive at an awkward time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.structs import OffsetAndMetadata

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.schemas.headers import Headers
from liq.sinks import committing
from liq.sinks.attempts import Attempts
from liq.sinks.destination import FailureKind
from liq.sinks.loop import SinkLoop
from tests.support.memory_destination import KeepingDestination, MemoryDestination, OrderedError

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


class ClientOfOldBrokers:
    """A client whose brokers have no ids of topics."""

    def get_random_node(self) -> int:
        return 1

    async def send(self, *_: object) -> None:
        raise IncompatibleBrokerVersion

    @property
    def cluster(self) -> "ClientOfOldBrokers":
        return self

    def partitions_for_topic(self, _: str) -> set[int]:
        return {OLD.partition, NEW.partition}


class ConsumerWithLateAssignment:
    """A consumer whose second partition is assigned, and fetched from, between pause and poll."""

    def __init__(self) -> None:
        self._assigned = {OLD}
        self._paused: set[TopicPartition] = set()
        self._fetched = {OLD: [Record(0)]}
        self.committed_offsets: dict[TopicPartition, int] = {}
        self.polls = 0
        self._subscription = SimpleNamespace(subscription=None)
        self._client = ClientOfOldBrokers()

    def subscription(self) -> frozenset[str]:
        return frozenset({TOPIC})

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
        self.polls += 1
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

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        self.committed_offsets.update({place: noted.offset for place, noted in offsets.items()})

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


class ConsumerThatPasses(ConsumerWithLateAssignment):
    """Its one record is fetched, and its position is behind that."""

    def __init__(self) -> None:
        super().__init__()
        state = SimpleNamespace(position=1, highwater=1, has_valid_position=True)
        assignment = SimpleNamespace(state_value={OLD: state}.get)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        self._coordinator = self

    async def fetch_committed_offsets(self, _: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {}

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 1)


async def test_no_position_is_committed_while_the_destination_is_asked_what_it_has_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committing, "PASS_SECONDS", 0)
    destination = KeepingDestination([TOPIC], rows=1)
    destination.lose_everything()
    health, stop, consumer = Health(), asyncio.Event(), ConsumerThatPasses()
    asked = asyncio.Event()

    async def never_answers(_: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(destination, "positions", never_answers)
    monkeypatch.setattr("liq.sinks.loop.FLUSH_SECONDS", 0)
    loop = SinkLoop(Settings(), health, consumer, destination, Attempts(destination, health))
    running = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(30):
        await asked.wait()
        polls = consumer.polls
        while consumer.polls < polls + 3:  # noqa: ASYNC110 - a fake sets no event
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert consumer.committed_offsets == {}
