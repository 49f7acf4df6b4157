"""Sending Kafka records in batches of our own.

aiokafka's `send` costs a coroutine, a hash and a future a record. `BatchSender` groups records by
partition, fills one batch for each, and has one future a batch.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
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


@dataclass(slots=True)
class _Lane:
    """What waits for one partition while an earlier batch of it is under way."""

    topic: str
    partition: int
    records: list[OutputRecord] = field(default_factory=list)
    size_bytes: int = 0
    sent: "asyncio.Future[None] | None" = None
    is_busy: bool = False


class BatchSender:
    """Sends records, in order within each partition, as few batches.

    A partition has one batch under way; what comes meanwhile is its next one. So `send` waits for
    no partition, and batches are as large as the brokers are slow. At most `MAX_PENDING_BYTES`, and
    the records of one call, wait for acknowledgements.
    """

    def __init__(self, producer: AIOKafkaProducer, topics: Topics) -> None:
        """`topics` say how the batches of each topic are compressed."""
        self._producer = producer
        self._compression = topics.compression
        self._keys = KeyPartitions(producer)
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._pending_bytes = 0
        self._acknowledged = asyncio.Event()
        self._flushes: set[asyncio.Task[None]] = set()

    async def send(self, records: Sequence[OutputRecord]) -> asyncio.Future[None]:
        """Queue records; the future ends when every replica has acknowledged all of them.

        The caller must await the future: it raises KafkaError where Kafka refuses a batch.

        While the brokers are away, it waits: an idempotent producer's records do not expire.

        Raises:
            KafkaError: the brokers do not know a topic, or a record is too large for every topic.
        """
        while self._pending_bytes > MAX_PENDING_BYTES:
            self._acknowledged.clear()
            await self._acknowledged.wait()
        lanes = await self._queue(records)
        sent = _all_of([_sent(lane) for lane in lanes])
        for lane in lanes:
            if not lane.is_busy:
                await self._flush(lane)
        return sent

    async def _queue(self, records: Sequence[OutputRecord]) -> list[_Lane]:
        """Append records to their partitions' lanes; return those lanes."""
        lanes: dict[tuple[str, int], _Lane] = {}
        known = self._keys.known
        for record in records:
            size = len(record.value or b"") + len(record.key)
            if size > MAX_RECORD_BYTES:
                raise MessageSizeTooLargeError(
                    f"a record for {record.topic} is larger than any request"
                )
            partition = record.partition
            if partition is None:
                partition = known(record.topic, record.key)
                if partition is None:
                    partition = await self._keys.find(record.topic, record.key)
            place = (record.topic, partition)
            lane = lanes.get(place)
            if lane is None:
                lane = lanes[place] = self._lanes.setdefault(place, _Lane(*place))
            lane.records.append(record)
            lane.size_bytes += size
            self._pending_bytes += size
        PENDING_BYTES.set(self._pending_bytes)
        return list(lanes.values())

    async def _flush(self, lane: _Lane) -> None:
        """Send what waits in a lane; when it is acknowledged, send what has come meanwhile."""
        records, size_bytes, sent = lane.records, lane.size_bytes, _sent(lane)
        lane.records, lane.size_bytes, lane.sent, lane.is_busy = [], 0, None, True
        try:
            batches = [
                await self._send_or_wait(lane, batch) for batch in self._batches(lane, records)
            ]
        except KafkaError as error:
            sent.set_exception(error)
            return

        def end(done: "asyncio.Future[None]") -> None:
            self._pending_bytes -= size_bytes
            self._end(lane, len(records), sent, done)

        _all_of(batches).add_done_callback(end)

    def _end(
        self,
        lane: _Lane,
        count: int,
        sent: "asyncio.Future[None]",
        done: "asyncio.Future[None]",
    ) -> None:
        PENDING_BYTES.set(self._pending_bytes)
        self._acknowledged.set()
        if (error := done.exception()) is not None:
            sent.set_exception(error)
            return
        RECORDS_OUT.labels(lane.topic).inc(count)
        sent.set_result(None)
        if lane.records:
            flush = asyncio.ensure_future(self._flush(lane))
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
        else:
            lane.is_busy = False

    def _batches(self, lane: _Lane, records: Sequence[OutputRecord]) -> list[Any]:
        """Fill batches with records of one partition."""
        compression = self._compression(lane.topic)
        batches = [new_batch(compression)]
        for record in records:
            if not _append(batches[-1], record):
                batches.append(new_batch(compression))
                _append(batches[-1], record)
        for batch in batches:
            batch.close()
        return batches

    async def _send_or_wait(self, lane: _Lane, batch: Any) -> "asyncio.Future[Any]":
        """Queue a batch once the partition's last one is under way, however long that takes."""
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(
                    batch, lane.topic, partition=lane.partition
                )
            except KafkaTimeoutError:
                ERRORS.labels("output_waits").inc()
            else:
                return future


def _sent(lane: _Lane) -> "asyncio.Future[None]":
    """Return the future of what waits in a lane."""
    if lane.sent is None:
        lane.sent = asyncio.get_running_loop().create_future()
    return lane.sent


def _all_of(futures: "Sequence[asyncio.Future[Any]]") -> "asyncio.Future[None]":
    """Return a future that ends with the last of several, or with the first that fails.

    Unlike `asyncio.gather`, it cancels none of them, for others wait for them, too.
    """
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = len(futures)

    def end(done: "asyncio.Future[Any]") -> None:
        nonlocal left
        left -= 1
        if ended.done():
            return
        if (error := done.exception()) is not None:
            ended.set_exception(error)
        elif left == 0:
            ended.set_result(None)

    for future in futures:
        future.add_done_callback(end)
    if not futures:
        ended.set_result(None)
    return ended


def _append(batch: Any, record: OutputRecord) -> bool:
    """Append a record; return False if the batch is full."""
    return (
        batch.append(
            key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
        )
        is not None
    )
