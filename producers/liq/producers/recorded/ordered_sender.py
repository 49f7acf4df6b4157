"""Records into Kafka in an order that readers of several partitions can rely on.

Kafka keeps order inside a partition only. The normalizer merges the raw partitions by receive
time, and what it merges is what is visible to it. So a record may become visible only when every
earlier one is, or else the merge gives out the later one first. `strict` makes sure of that by
waiting for acknowledgements exactly where partitions and times both differ; `relaxed` does not,
for filling a log that nobody merges while it grows.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from liq.runtime.metrics import RECORDS_OUT
from liq.schemas.headers import FrameHeaders

MAX_IN_FLIGHT: Final = 1_000


class Ordering(StrEnum):
    """What is awaited between records of different partitions."""

    STRICT = "strict"
    RELAXED = "relaxed"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record for a raw topic; a heartbeat has no value."""

    topic: str
    key: bytes
    value: bytes | None
    headers: FrameHeaders


class OrderedSender:
    """Sends through a started producer; `drain` before stopping it."""

    def __init__(self, producer: AIOKafkaProducer, ordering: Ordering) -> None:
        self._producer = producer
        self._ordering = ordering
        self._partitioner = DefaultPartitioner()
        self._partitions: dict[str, list[int]] = {}
        self._in_flight: list[tuple[str, asyncio.Future[object]]] = []
        self._places: set[tuple[str, int]] = set()
        self._times_ns: set[int] = set()

    async def send(self, record: RawRecord) -> None:
        """Hand a record to the producer, once the order allows it.

        Raises:
            KafkaError: an earlier record was not acknowledged.
        """
        place = (record.topic, await self._partition(record.topic, record.key))
        time_ns = record.headers.received_at_ns
        if not self._may_join(place, time_ns):
            await self.drain()
        self._places.add(place)
        self._times_ns.add(time_ns)
        acknowledged = await self._producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=place[1],
            headers=record.headers.encode(),
        )
        self._in_flight.append((record.topic, acknowledged))

    async def drain(self) -> None:
        """Wait until everything that was sent is acknowledged.

        Raises:
            KafkaError: something was not.
        """
        for topic, acknowledged in self._in_flight:
            await acknowledged
            RECORDS_OUT.labels(topic).inc()
        self._in_flight.clear()
        self._places.clear()
        self._times_ns.clear()

    def _may_join(self, place: tuple[str, int], time_ns: int) -> bool:
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            return False
        if self._ordering is Ordering.RELAXED:
            return True
        # Within one partition the log keeps the order; among equal times there is none to keep.
        return self._places <= {place} or self._times_ns <= {time_ns}

    async def _partition(self, topic: str, key: bytes) -> int:
        if topic not in self._partitions:
            self._partitions[topic] = sorted(await self._producer.partitions_for(topic))
        numbers = self._partitions[topic]
        chosen: int = self._partitioner(key, numbers, numbers)
        return chosen
