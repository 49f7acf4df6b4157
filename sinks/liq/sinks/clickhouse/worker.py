"""The sink worker: reads our topics, stores batches, commits what ClickHouse acknowledged.

One batch is being stored while the next one fills; there are never more. A batch is dropped only
with the process, never at a rebalance: so all records before a committed offset were stored.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from liq.runtime.errors import DependencyError
from liq.runtime.health import Health
from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.log_gaps import LogGaps
from liq.runtime.logs import get_logger
from liq.runtime.metrics import CONSUMER_LAG, ERRORS, HANDLED, RECORDS_IN, SINK_BUFFERED
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.batcher import Batch
from liq.sinks.clickhouse.loader import Loader
from liq.sinks.clickhouse.redelivery import Redelivery
from liq.sinks.clickhouse.tables import Table, tables_by_topic

STAGE = "sink-clickhouse"
CONDITION = "kafka"
POLL_SECONDS = 0.2
# A batch overshoots its bytes by one poll at most, and health is reported between polls.
POLL_RECORDS = 2000
# Of the 30 s that a worker has to end: the rest is for closing the connections.
FLUSH_SECONDS = 10
LEAVE_SECONDS = 5
log = get_logger(__name__)


async def run(
    settings: Settings, health: Health, stop: asyncio.Event, raw_exchanges: Sequence[str] = ()
) -> None:
    """Load until `stop` is set; then store what is buffered, commit and return.

    The raw frames of `raw_exchanges` are archived too.

    Raises:
        ConfigurationError: the schema is not ours, or most records cannot be decoded.
        DependencyError: Kafka cannot be reached or refuses us.
    """
    health.require(CONDITION, "not connected yet")
    loader = Loader(settings, health)
    try:
        if await _finished(asyncio.create_task(loader.open()), health, stop):
            tables = tables_by_topic(settings.topics, raw_exchanges)
            await _consume(settings, health, stop, loader, tables)
    finally:
        loader.close()


async def _finished(task: asyncio.Task[None], health: Health, stop: asyncio.Event) -> bool:
    """Wait for a task, saying that we live; False when we were stopped instead."""
    while not task.done() and not stop.is_set():
        health.beat()
        await asyncio.wait({task}, timeout=POLL_SECONDS)
    if task.done():
        task.result()
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


async def _consume(
    settings: Settings,
    health: Health,
    stop: asyncio.Event,
    loader: Loader,
    tables: Mapping[str, Table],
) -> None:
    consumer = new_consumer(settings, group=settings.group(STAGE))
    consumer.subscribe(list(tables), listener=_Assignments(loader.redelivery, health))
    try:
        await start_consumer(settings, consumer)
        await Worker(settings, health, consumer, loader, tables).run(stop)
    except KafkaError as error:
        raise DependencyError(
            f"Kafka at {settings.kafka_bootstrap_servers} failed ({error!r}); check "
            "KAFKA_BOOTSTRAP_SERVERS, the credentials, and that `liq topics` has run."
        ) from error
    finally:
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await consumer.stop()
        except TimeoutError:
            log.warning("kafka_did_not_close", seconds=LEAVE_SECONDS)


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Notes which partitions are ours."""

    def __init__(self, redelivery: Redelivery, health: Health) -> None:
        self._redelivery = redelivery
        self._health = health

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing is lost: what is buffered will be stored, by us and perhaps by another too."""
        log.info("partitions_revoked", count=len(revoked))

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Records from the committed offsets on may be stored already."""
        self._redelivery.watch((item.topic, item.partition) for item in assigned)
        self._health.set(CONDITION, holds=True, reason=f"{len(assigned)} partitions assigned")
        log.info("partitions_assigned", count=len(assigned))


class Worker:
    """The loop between a started consumer and the loader."""

    def __init__(
        self,
        settings: Settings,
        health: Health,
        consumer: AIOKafkaConsumer,
        loader: Loader,
        tables: Mapping[str, Table],
    ) -> None:
        self._settings = settings
        self._health = health
        self._consumer = consumer
        self._loader = loader
        self._tables = tables
        self._batch = Batch()
        self._storing: asyncio.Task[None] | None = None
        self._in_flight_rows = 0
        self._gaps = LogGaps(settings, STAGE)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then flush."""
        while not stop.is_set():
            self._health.beat()
            self._hand_over()
            await self._poll()
        await self._flush()

    def _hand_over(self) -> None:
        """Take note of a stored batch, and begin with the next one when it is due."""
        if self._storing is not None and self._storing.done():
            self._storing.result()
            self._storing = None
            self._in_flight_rows = 0
        is_due = self._batch.is_due(
            self._settings.sink_batch_rows, self._settings.sink_batch_seconds, time.monotonic()
        )
        if self._storing is None and is_due:
            batch, self._batch = self._batch, Batch()
            self._in_flight_rows = batch.row_count
            self._storing = asyncio.create_task(self._store(batch))
        SINK_BUFFERED.set(self._in_flight_rows + self._batch.row_count)

    async def _poll(self) -> None:
        if self._storing is not None and self._loader.in_trouble:
            # Polling keeps our place in the group; the pause keeps records in the broker.
            self._consumer.pause(*self._consumer.assignment())
            await asyncio.wait({self._storing}, timeout=POLL_SECONDS)
            await self._consumer.getmany(timeout_ms=0)
            return
        if self._storing is not None and self._batch.is_full(self._settings.sink_batch_rows):
            await asyncio.wait({self._storing}, timeout=POLL_SECONDS)
            return
        self._consumer.resume(*self._consumer.paused())
        polled = await self._consumer.getmany(
            timeout_ms=int(1000 * min(POLL_SECONDS, self._settings.sink_batch_seconds)),
            max_records=min(POLL_RECORDS, self._settings.sink_batch_rows - self._batch.count),
        )
        await self._gaps.check(self._consumer, self._consumer.assignment(), polled)
        self._take(polled)

    def _take(self, polled: Mapping[TopicPartition, list["ConsumerRecord[bytes, bytes]"]]) -> None:
        now = time.monotonic()
        for partition, records in polled.items():
            RECORDS_IN.labels(partition.topic).inc(len(records))
            self._batch.add(self._tables[partition.topic], records, now)

    async def _store(self, batch: Batch) -> None:
        await self._loader.store(batch)
        await self._commit(batch)
        HANDLED.add(batch.count)

    async def _commit(self, batch: Batch) -> None:
        ours = self._consumer.assignment()
        offsets = {
            TopicPartition(*partition): offset
            for partition, offset in batch.offsets.items()
            if TopicPartition(*partition) in ours
        }
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except KafkaError as error:
            # Harmless: the rows are stored, and will be recognized when they come again.
            ERRORS.labels("commit").inc()
            self._health.set(CONDITION, holds=False, reason=f"cannot commit: {error!r}")
            log.warning("commit_failed", error=repr(error))
            return
        self._health.set(CONDITION, holds=True, reason=f"{len(ours)} partitions assigned")
        for partition, offset in offsets.items():
            end = self._consumer.highwater(partition)
            if end is not None:
                CONSUMER_LAG.labels(partition.topic, partition.partition).set(end - offset)

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                if self._storing is not None:
                    await self._storing
                if self._batch.count:
                    await self._store(self._batch)
        except TimeoutError:
            log.warning("flush_gave_up", seconds=FLUSH_SECONDS, rows=self._batch.row_count)
        log.info("sink_stopped")
