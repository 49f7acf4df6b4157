"""Where reading goes on for a destination that keeps its positions."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.runtime.health import Health
from liq.sinks.attempts import BACKOFF, Attempts
from liq.sinks.batch import Partition
from liq.sinks.destination import PartitionLog, Position
from liq.sinks.log_watch import LogWatch
from liq.sinks.resuming import Resuming
from tests.support.memory_destination import KeepingDestination

PLACES = [TopicPartition("events", number) for number in range(5)]


class Log:
    """Partitions that keep the offsets 100 to 199; offset 150 is of the time 5,000."""

    def __init__(self) -> None:
        self.assigned = set(PLACES)
        self.sought: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 100)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 200)

    async def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> dict[Any, Any]:
        return {
            place: SimpleNamespace(offset=150) if time_ms <= 5_000 else None
            for place, time_ms in times.items()
        }

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought[place] = offset


class Wishes(KeepingDestination):
    """Wants what the test says, and notes what it was told of the logs."""

    def __init__(self, wanted: list[Position]) -> None:
        super().__init__(["events"])
        self._wanted = wanted
        self.logs: Mapping[Partition, PartitionLog] = {}

    async def positions(
        self, logs: Mapping[Partition, PartitionLog]
    ) -> Mapping[Partition, Position]:
        self.logs = logs
        return {("events", number): wanted for number, wanted in enumerate(self._wanted)}


def resuming(log: Log, destination: Wishes) -> Resuming:
    consumer = cast("AIOKafkaConsumer", log)
    watch = cast("LogWatch", SimpleNamespace(name=lambda _topic: "log-7"))
    return Resuming(consumer, destination, Attempts(destination, Health()), watch)


async def test_offsets_and_times_become_places_that_the_log_has() -> None:
    log = Log()
    wishes = Wishes(
        [Position(170), Position(7), Position(since_ms=4_000), Position(since_ms=9_000), Position()]
    )
    found = resuming(log, wishes)
    assert not found.apply()
    await found.ask()
    assert log.sought == {}
    # One partition went to another worker while the destination answered.
    log.assigned.remove(PLACES[0])
    assert found.apply()
    assert log.sought == {PLACES[1]: 100, PLACES[2]: 150, PLACES[3]: 200, PLACES[4]: 100}
    assert wishes.logs["events", 3] == PartitionLog("log-7", 200)
    assert not found.apply()


async def test_a_destination_that_loses_again_and_again_is_asked_ever_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def noted(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", noted)
    found = resuming(Log(), Wishes([]))
    await found.ask()
    assert waits == []
    for _ in range(30):
        found.note_loss()
        await found.ask()
    assert len(waits) == 30
    assert max(waits) <= BACKOFF.longest_seconds
    assert max(waits[:2]) < 1 < max(waits[-20:])
    found.note_stored()
    found.note_loss()
    await found.ask()
    assert waits[-1] <= BACKOFF.first_seconds * 2


async def test_a_worker_without_partitions_asks_nothing_of_the_brokers() -> None:
    log = Log()
    log.assigned.clear()
    found = resuming(log, Wishes([]))
    await found.ask()
    assert found.apply()
    assert log.sought == {}
