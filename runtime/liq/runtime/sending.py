"""Sending of Kafka records in batches that this module builds itself.

aiokafka's `send` costs a coroutine, a hash and a future for each record. `BatchSender` groups
records by partition, and needs one future for each batch.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.partitioner import DefaultPartitioner

from liq.runtime.batch_codec import new_batch
from liq.runtime.kafka import MAX_REQUEST_BYTES
from liq.runtime.metrics import ERRORS, PENDING_BYTES, RECORDS_OUT
from liq.schemas.topics import Topics

MAX_KNOWN_KEYS: Final = 20_000
#: Above this many unacknowledged bytes (before compression), `send` waits.
MAX_PENDING_BYTES: Final = 8 * 1024 * 1024
#: Estimated bytes of a record besides key and value: CloudEvents headers, lengths, times.
RECORD_OVERHEAD_BYTES: Final = 384
#: Leaves room for the record's headers and the request's own fields.
MAX_RECORD_BYTES: Final = MAX_REQUEST_BYTES - 16 * 1024
#: How long brokers may not know a partition that was just added.
APPEAR_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1
_MURMUR2: Final = DefaultPartitioner()


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A record to send. Without a partition, its key determines one (murmur2, as in Java)."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = field(default=())
    partition: int | None = None


def partition_of(key: bytes, partitions: list[int]) -> int:
    """Return Kafka's partition of a key, given all partitions of a topic in ascending order."""
    chosen: int = _MURMUR2(key, partitions, partitions)
    return chosen


class KeyPartitions:
    """A cache of the partitions of keys, because Kafka's hash is slow in Python.

    Call `known` first, and `find` only if it returns None: that saves a coroutine per record.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._topics: dict[str, list[int]] = {}
        self._known: dict[tuple[str, bytes], int] = {}

    def spread(self, topic: str, count: int) -> None:
        """Spread the keys of a topic over its first `count` partitions from now on."""
        self._topics[topic] = list(range(count))
        for place in [place for place in self._known if place[0] == topic]:
            del self._known[place]

    def known(self, topic: str, key: bytes) -> int | None:
        """Return the cached partition of a key, or None."""
        return self._known.get((topic, key))

    async def find(self, topic: str, key: bytes) -> int:
        """Compute the partition of a key and cache it."""
        if topic not in self._topics:
            self._topics[topic] = sorted(await self._producer.partitions_for(topic))
        if len(self._known) >= MAX_KNOWN_KEYS:
            self._known.clear()
        partition = partition_of(key, self._topics[topic])
        self._known[topic, key] = partition
        return partition


@dataclass(slots=True)
class _Lane:
    """The queue of one partition: records that wait while an earlier flush is in flight."""

    topic: str
    partition: int
    records: list[OutputRecord] = field(default_factory=list)
    size_bytes: int = 0
    sent: "asyncio.Future[None] | None" = None
    is_busy: bool = False
    is_known: bool = False


class BatchSender:
    """A sender of records in few batches, in order within each partition.

    A partition has one flush in flight; records that arrive meanwhile form the next one. So `send`
    does not wait for single partitions, and batches grow when brokers are slow. At most
    `MAX_PENDING_BYTES` and the records of one call await acknowledgement.
    """

    def __init__(self, producer: AIOKafkaProducer, topics: Topics) -> None:
        """Create a sender; `topics` defines the compression of each topic."""
        self._producer = producer
        self._compression = topics.compression
        self._keys = KeyPartitions(producer)
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._pending_bytes = 0
        self._acknowledged = asyncio.Event()
        self._flushes: set[asyncio.Task[None]] = set()

    def spread(self, topic: str, count: int) -> None:
        """Spread the keys of a topic over its first `count` partitions from now on."""
        self._keys.spread(topic, count)

    async def send(self, records: Sequence[OutputRecord]) -> asyncio.Future[None]:
        """Queue records; the future completes when every replica has acknowledged all of them.

        The caller must await the future, which raises KafkaError if the brokers reject a batch.
        While the brokers are away, `send` waits: the records of an idempotent producer do not
        expire.

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
        """Append records to the queues of their partitions; return those queues."""
        lanes: dict[tuple[str, int], _Lane] = {}
        known = self._keys.known
        for record in records:
            size = len(record.value or b"") + len(record.key) + RECORD_OVERHEAD_BYTES
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
        """Send the records of a queue; once acknowledged, send those that arrived meanwhile."""
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
        """Return closed batches with the records of one partition."""
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
        """Hand a batch to the producer; wait, without a limit, while its buffer is full."""
        if not lane.is_known:
            await know_partition(self._producer, lane.topic, lane.partition)
            lane.is_known = True
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(
                    batch, lane.topic, partition=lane.partition
                )
            except KafkaTimeoutError:
                ERRORS.labels("output_waits").inc()
            else:
                return future


async def know_partition(producer: AIOKafkaProducer, topic: str, partition: int) -> None:
    """Refresh the metadata of a topic until it has a partition that was just added.

    Raises:
        UnknownTopicOrPartitionError: the partition does not appear within `APPEAR_SECONDS`.
        KafkaError: the brokers do not know the topic.
    """
    deadline: float | None = None
    while partition not in await producer.partitions_for(topic):
        now = asyncio.get_running_loop().time()
        deadline = deadline or now + APPEAR_SECONDS
        if now > deadline:
            raise UnknownTopicOrPartitionError(f"{topic} has no partition {partition}")
        await producer.client.force_metadata_update()
        await asyncio.sleep(POLL_SECONDS)


def _sent(lane: _Lane) -> "asyncio.Future[None]":
    """Return the future of the records that wait in a queue."""
    if lane.sent is None:
        lane.sent = asyncio.get_running_loop().create_future()
    return lane.sent


def _all_of(futures: "Sequence[asyncio.Future[Any]]") -> "asyncio.Future[None]":
    """Return a future that completes with the last of several, or with the first that fails.

    Unlike `asyncio.gather`, it never cancels them, because other callers also wait for them.
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
