"""A sink commits positions where offsets bring no record, and never beyond what waits."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from liq.runtime.health import Health
from liq.runtime.log_gaps import LogGaps
from liq.sinks import committing
from liq.sinks.batch import Partition
from liq.sinks.committing import Committing
from liq.sinks.log_watch import LogWatch

TOPIC = "liquidations.cascades"
PLACE, OTHER = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


@pytest.fixture(autouse=True)
def _acts_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "PASS_SECONDS", 0)


class Consumer:
    """A consumer of two partitions; the group has committed 10 of each."""

    def __init__(self) -> None:
        self.states = {
            place: SimpleNamespace(position=10, highwater=40, has_valid_position=True)
            for place in (PLACE, OTHER)
        }
        assignment = SimpleNamespace(state_value=self.states.get)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        self._coordinator = self
        self.committed: dict[TopicPartition, int] = {}
        self.failure: KafkaError | None = None

    def assignment(self) -> set[TopicPartition]:
        return set(self.states)

    async def fetch_committed_offsets(
        self, places: list[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        return {place: OffsetAndMetadata(10, "") for place in places}

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if self.failure is not None:
            raise self.failure
        self.committed |= {place: noted.offset for place, noted in offsets.items()}


class Gaps:
    """Notes which positions were compared with what is left of the log before a commit."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.checked: list[tuple[dict[TopicPartition, int], dict[TopicPartition, int]]] = []

    async def check_passed(self, _: Consumer, positions: Mapping[TopicPartition, int]) -> None:
        self.checked.append((dict(positions), dict(self._consumer.committed)))


def committing_of(consumer: Consumer) -> tuple[Committing, Gaps, Health]:
    logs = SimpleNamespace(to_commit=lambda end, _: OffsetAndMetadata(end, ""), name=lambda _: "")
    gaps, health = Gaps(consumer), Health()
    return (
        Committing(consumer, health, cast("LogWatch", logs), cast("LogGaps", gaps)),
        gaps,
        health,
    )


async def test_a_position_beyond_the_last_record_is_committed() -> None:
    consumer = Consumer()
    found, gaps, _ = committing_of(consumer)
    await found.commit_passed(set())
    assert consumer.committed == {}
    consumer.states[PLACE].position = 40
    await found.commit_passed(set())
    assert consumer.committed == {PLACE: 40}
    # Once committed, nothing says any more that records were deleted.
    assert gaps.checked[-1] == ({PLACE: 40}, {})


async def test_a_position_is_not_committed_while_a_record_of_its_partition_waits() -> None:
    consumer = Consumer()
    found, _, _ = committing_of(consumer)
    buffered: set[Partition] = {(TOPIC, 0)}
    for state in consumer.states.values():
        state.position = 40
    await found.commit_passed(buffered)
    assert consumer.committed == {OTHER: 40}
    await found.commit_passed(set())
    assert consumer.committed == {PLACE: 40, OTHER: 40}


async def test_a_commit_that_fails_is_said_and_tried_again() -> None:
    consumer = Consumer()
    consumer.failure = KafkaError("the test")
    found, _, health = committing_of(consumer)
    consumer.states[PLACE].position = 40
    await found.commit_passed(set())
    assert not health.ready
    consumer.failure = None
    await found.commit_passed(set())
    assert consumer.committed == {PLACE: 40}
    assert health.ready
