"""A consumer whose topics are deleted, replaced or restored, for tests of the log watch."""

import uuid
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any, Final

from aiokafka import TopicPartition

TOPIC: Final = "liquidations.events"
OTHER: Final = "liquidations.cascades"
PLACES: Final = [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1), TopicPartition(OTHER, 0)]
OLD: Final = uuid.UUID(int=1)
NEW: Final = uuid.UUID(int=2)


class KeptGaps:
    """A substitute of `LogGaps` that keeps the published gaps."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int]]] = []

    async def tell_replaced(self, topic: str, partitions: Collection[int]) -> None:
        self.told.append((topic, sorted(partitions)))


class WatchedConsumer:
    """A consumer of two topics, which is also its client, cluster and coordinator."""

    def __init__(self, notes: Mapping[TopicPartition, str]) -> None:
        self.ids = {TOPIC: OLD, OTHER: OLD}
        self.known = {TOPIC, OTHER}
        self.assigned = set(PLACES)
        self.notes = notes
        self.sought: dict[TopicPartition, int] = {}
        self.updates = 0
        self._client = self._coordinator = self.cluster = self

    def subscription(self) -> frozenset[str]:
        return frozenset({TOPIC, OTHER})

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic in self.known else None

    def get_random_node(self) -> int:
        return 1

    async def send(self, *_: object) -> Any:
        return SimpleNamespace(topics=[(0, name, found.bytes) for name, found in self.ids.items()])

    async def force_metadata_update(self) -> None:
        self.updates += 1
        self.known = set(self.ids)

    async def fetch_committed_offsets(self, places: list[TopicPartition]) -> dict[Any, Any]:
        return {
            place: SimpleNamespace(offset=7, metadata=self.notes[place])
            for place in places
            if place in self.notes
        }

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 7)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought[place] = offset
