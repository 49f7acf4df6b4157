"""Sending of records in an order that readers of several partitions can rely on.

Kafka keeps order within a partition only. The normalizer merges the raw partitions by time of
receipt, as far as records are visible to it. So a record must become visible only after every
earlier one; otherwise the merge returns the later one first. `strict` waits for acknowledgements
wherever both partitions and times differ. `relaxed` does not wait; it is for logs that no
normalizer merges while they are filled.
"""

import asyncio
from enum import StrEnum
from typing import Final

from aiokafka import AIOKafkaProducer

from liq.runtime.metrics import RECORDS_OUT
from liq.runtime.sending import KeyPartitions, OutputRecord

MAX_IN_FLIGHT: Final = 1_000


class Ordering(StrEnum):
    """The order between records of different partitions."""

    STRICT = "strict"
    RELAXED = "relaxed"


class OrderedSender:
    """A sender with a started producer; call `drain` before stopping the producer."""

    def __init__(self, producer: AIOKafkaProducer, ordering: Ordering) -> None:
        self._producer = producer
        self._ordering = ordering
        self._partitions = KeyPartitions(producer)
        self._in_flight: list[tuple[str, asyncio.Future[object]]] = []
        self._places: set[tuple[str, int]] = set()
        self._times_ns: set[int] = set()

    async def send(self, record: OutputRecord, received_at_ns: int) -> None:
        """Pass a record to the producer as soon as the order by `received_at_ns` allows it.

        Raises:
            KafkaError: the brokers did not acknowledge an earlier record.
        """
        partition = self._partitions.known(record.topic, record.key)
        if partition is None:
            partition = await self._partitions.find(record.topic, record.key)
        place = (record.topic, partition)
        if not self._may_join(place, received_at_ns):
            await self.drain()
        self._places.add(place)
        self._times_ns.add(received_at_ns)
        acknowledged = await self._producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=partition,
            headers=list(record.headers),
        )
        self._in_flight.append((record.topic, acknowledged))

    async def drain(self) -> None:
        """Wait until all sent records are acknowledged.

        Raises:
            KafkaError: the brokers did not acknowledge a record.
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
        # Within one partition, Kafka keeps the order; records with equal times need none.
        return self._places <= {place} or self._times_ns <= {time_ns}
