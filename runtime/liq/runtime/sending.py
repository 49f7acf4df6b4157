"""What the senders of Kafka records share: a record to send, and the partition of a key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

MAX_KNOWN_KEYS: Final = 20_000
_MURMUR2: Final = DefaultPartitioner()


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A record to send. Without a partition, the key decides (murmur2, as in Java)."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = field(default=())
    partition: int | None = None


def partition_of(key: bytes, partitions: list[int]) -> int:
    """Return the partition, of all those of a topic in ascending order, that Kafka gives a key."""
    chosen: int = _MURMUR2(key, partitions, partitions)
    return chosen


class KeyPartitions:
    """The partitions of keys, remembered: Kafka's hash is slow in Python.

    `known` first and `find` only where it returns None spares the hot path a coroutine.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._topics: dict[str, list[int]] = {}
        self._known: dict[tuple[str, bytes], int] = {}

    def known(self, topic: str, key: bytes) -> int | None:
        """Return the partition of a key, or None where it has to be found."""
        return self._known.get((topic, key))

    async def find(self, topic: str, key: bytes) -> int:
        """Find the partition of a key and remember it."""
        if topic not in self._topics:
            self._topics[topic] = sorted(await self._producer.partitions_for(topic))
        if len(self._known) >= MAX_KNOWN_KEYS:
            self._known.clear()
        partition = partition_of(key, self._topics[topic])
        self._known[topic, key] = partition
        return partition
