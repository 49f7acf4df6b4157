"""Sending Kafka records in batches of our own.

aiokafka's `send` costs a coroutine, a hash and a future a record. `BatchSender` groups records by
partition, fills one batch for each, and has one future a batch.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from liq.runtime.batch_codec import new_batch
from liq.runtime.kafka import MAX_REQUEST_BYTES
from liq.runtime.metrics import ERRORS, PENDING_BYTES, RECORDS_OUT
from liq.schemas.topics import Topics

MAX_KNOWN_KEYS: Final = 20_000
#: Above so many bytes without an acknowledgement, `send` waits. Batches are compressed later.
MAX_PENDING_BYTES: Final = 16 * 1024 * 1024
#: What a request holds besides a record: its headers and the request's own fields.
MAX_RECORD_BYTES: Final = MAX_REQUEST_BYTES - 16 * 1024
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


class BatchSender:
    """Sends records, in order within each partition, as few batches.

    `send` returns once the batches are queued, so that the caller can go on; the future that it
    returns ends with the last acknowledgement. At most `MAX_PENDING_BYTES` (and a batch of each
    caller) wait for acknowledgements, however many records a call brings.
    """

    def __init__(self, producer: AIOKafkaProducer, topics: Topics) -> None:
        """`topics` say how the batches of each topic are compressed."""
        self._producer = producer
        self._compression = topics.compression
        self._keys = KeyPartitions(producer)
        self._pending_bytes = 0
        self._acknowledged = asyncio.Event()

    async def send(self, records: Sequence[OutputRecord]) -> asyncio.Future[Any]:
        """Queue records; the future ends when every replica has acknowledged all of them.

        The caller must await the future: it raises KafkaError where Kafka refuses a batch.

        While the brokers are away, it waits: an idempotent producer's records do not expire.

        Raises:
            KafkaError: the brokers do not know a topic, or a record is too large for every topic.
        """
        places = await self._grouped(records)
        futures = [
            await self._queue(topic, partition, together)
            for (topic, partition), together in places.items()
        ]
        return asyncio.gather(*[future for several in futures for future in several])

    async def _grouped(
        self, records: Sequence[OutputRecord]
    ) -> dict[tuple[str, int], list[OutputRecord]]:
        places: dict[tuple[str, int], list[OutputRecord]] = {}
        known = self._keys.known
        for record in records:
            partition = record.partition
            if partition is None:
                partition = known(record.topic, record.key)
                if partition is None:
                    partition = await self._keys.find(record.topic, record.key)
            place = (record.topic, partition)
            together = places.get(place)
            if together is None:
                places[place] = [record]
            else:
                together.append(record)
        return places

    async def _queue(
        self, topic: str, partition: int, records: list[OutputRecord]
    ) -> list[asyncio.Future[Any]]:
        """Fill batches with the records of one partition and queue them."""
        futures = []
        compression = self._compression(topic)
        batch, count, size = new_batch(compression), 0, 0
        for record in records:
            if len(record.value or b"") + len(record.key) > MAX_RECORD_BYTES:
                raise MessageSizeTooLargeError(f"a record for {topic} is larger than any request")
            if not _append(batch, record):
                futures.append(await self._send_batch(topic, partition, batch, count, size))
                batch, count, size = new_batch(compression), 0, 0
                _append(batch, record)
            count += 1
            size += len(record.value or b"")
        futures.append(await self._send_batch(topic, partition, batch, count, size))
        return futures

    async def _send_batch(
        self, topic: str, partition: int, batch: Any, count: int, size: int
    ) -> asyncio.Future[Any]:
        batch.close()
        while self._pending_bytes > MAX_PENDING_BYTES:
            self._acknowledged.clear()
            await self._acknowledged.wait()
        self._pending_bytes += size
        PENDING_BYTES.set(self._pending_bytes)
        future = await self._send_or_wait(topic, partition, batch)

        def end(done: asyncio.Future[Any]) -> None:
            self._pending_bytes -= size
            PENDING_BYTES.set(self._pending_bytes)
            self._acknowledged.set()
            if not done.cancelled() and done.exception() is None:
                RECORDS_OUT.labels(topic).inc(count)

        future.add_done_callback(end)
        return future

    async def _send_or_wait(self, topic: str, partition: int, batch: Any) -> asyncio.Future[Any]:
        """Queue a batch once the partition's last one is under way, however long that takes."""
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(
                    batch, topic, partition=partition
                )
            except KafkaTimeoutError:
                ERRORS.labels("output_waits").inc()
            else:
                return future


def _append(batch: Any, record: OutputRecord) -> bool:
    """Append a record; return False if the batch is full."""
    return (
        batch.append(
            key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
        )
        is not None
    )
