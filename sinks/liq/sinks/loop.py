"""The loop between a started consumer and a destination: poll, gather, store, commit.

One batch is being stored while the next one fills; there are never more. A batch is dropped only
with the process, never at a rebalance: so all records before a committed offset were stored.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.fetch_pace import FetchPace
from liq.runtime.health import Health
from liq.runtime.log_gaps import LogGaps
from liq.runtime.logs import get_logger
from liq.runtime.metrics import CONSUMER_LAG, ERRORS, HANDLED, RECORDS_IN, SINK_BUFFERED
from liq.runtime.positions import position_of, unread
from liq.runtime.settings import Settings
from liq.sinks.assignments import CONDITION, Assignments
from liq.sinks.attempts import Attempts
from liq.sinks.batch import Batch, Partition
from liq.sinks.destination import Destination
from liq.sinks.storing import Storing

POLL_SECONDS: Final = 0.2
# Health is reported between polls, each of as many steps as these records take. A batch overshoots
# its bytes by one step at most.
POLL_RECORDS: Final = 2000
STEP_RECORDS: Final = 100
STEP_BYTES: Final = 4 * 1024 * 1024
# A full batch waits for the one before by polling nothing, which keeps the records that were
# fetched already. Kafka takes a consumer that polls nothing for five minutes for dead.
SLOW_SECONDS: Final = 10.0
# Of the 30 s that a worker has to end: the rest is for closing the connections.
FLUSH_SECONDS: Final = 10
LAG_SECONDS: Final = 1.0
log = get_logger(__name__)


class SinkLoop:
    """Moves records from one consumer into one destination until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        health: Health,
        consumer: AIOKafkaConsumer,
        destination: Destination,
        attempts: Attempts,
    ) -> None:
        self._health = health
        self._consumer = consumer
        self._limits = destination.intake.limits
        self._attempts = attempts
        self._batches = Storing(destination, attempts, settings.sink_max_rejected_share)
        self.assignments = Assignments(consumer, destination, health)
        self._batch = Batch()
        self._pace = FetchPace(STEP_RECORDS, STEP_BYTES)
        self._storing: asyncio.Task[None] | None = None
        self._storing_since = 0.0
        self._in_flight_rows = 0
        self._in_flight_records = 0
        self._in_flight: Collection[Partition] = ()
        # By partition, the offset up to which everything is stored and committed.
        self._stored: dict[Partition, int] = {}
        self._lag_reported_at = 0.0
        self._gaps = LogGaps(settings, destination.intake.stage)

    @property
    def lag(self) -> int:
        """The records that are not stored yet, as far as the brokers have told of them."""
        waiting = (unread(self._consumer, each) for each in self._consumer.assignment())
        return sum(filter(None, waiting)) + self._batch.count + self._in_flight_records

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then flush.

        Raises:
            KafkaError: the brokers do not answer, or refuse something.
            Exception: whatever the destination does not classify.
        """
        try:
            while not stop.is_set():
                if self.assignments.error is not None:
                    raise self.assignments.error
                self._hand_over()
                await self._poll()
                self._report_lag()
            await self._flush()
        finally:
            if self._storing is not None:
                self._storing.cancel()

    def _hand_over(self) -> None:
        """Take note of a stored batch, and begin with the next one when it is due."""
        if self._storing is not None and self._storing.done():
            self._storing.result()
            self._storing = None
            self._in_flight_rows = self._in_flight_records = 0
            self._in_flight = ()
        now = time.monotonic()
        if self._storing is None and self._batch.is_due(self._limits, now):
            batch, self._batch = self._batch, Batch()
            self._in_flight_rows, self._in_flight = batch.row_count, tuple(batch.offsets)
            self._in_flight_records = batch.count
            self._storing = asyncio.create_task(self._store(batch))
            self._storing_since = now
        SINK_BUFFERED.set(self._in_flight_rows + self._batch.row_count)

    async def _poll(self) -> None:
        if self._storing is not None and (self._attempts.in_trouble or self._is_slow()):
            # Polling keeps our place in the group; the pause keeps records in the broker.
            self._consumer.pause(*self._consumer.assignment())
            await asyncio.wait({self._storing}, timeout=POLL_SECONDS)
            # Records only of partitions that were assigned since the pause.
            await self._fetch(0.0, POLL_RECORDS)
            return
        if self._storing is not None and self._batch.is_full(self._limits):
            await asyncio.wait({self._storing}, timeout=POLL_SECONDS)
            return
        self._consumer.resume(*self._consumer.paused())
        await self._fetch(
            min(POLL_SECONDS, self._limits.seconds),
            min(POLL_RECORDS, self._limits.rows - self._batch.count),
        )

    def _is_slow(self) -> bool:
        waited_seconds = time.monotonic() - self._storing_since
        return waited_seconds >= SLOW_SECONDS and self._batch.is_full(self._limits)

    async def _fetch(self, timeout_seconds: float, max_records: int) -> None:
        """Add what the consumer has to the batch, up to its bytes; wait only for the first."""
        timeout_ms = int(1000 * timeout_seconds)
        wanted = max_records
        while wanted > 0:
            polled = await self._consumer.getmany(
                timeout_ms=timeout_ms, max_records=min(wanted, self._pace.records)
            )
            await self._gaps.check(self._consumer, self._consumer.assignment(), polled)
            self._pace.note(polled)
            now = time.monotonic()
            for partition, records in polled.items():
                RECORDS_IN.labels(partition.topic).inc(len(records))
                self._batch.add(records, now)
                wanted -= len(records)
            if not polled or self._batch.size_bytes >= self._limits.size_bytes:
                break
            timeout_ms = 0

    async def _store(self, batch: Batch) -> None:
        await self._batches.store(batch)
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
        self._stored.update(offsets)

    def _report_lag(self) -> None:
        """Report how many offsets of each partition are not stored yet.

        Aborted records and the markers of transactions bring no row and no commit, so where nothing
        of a partition waits the position counts, and not the committed offset.
        """
        now = time.monotonic()
        if now - self._lag_reported_at < LAG_SECONDS:
            return
        self._lag_reported_at = now
        for partition in self._consumer.assignment():
            waiting = unread(self._consumer, partition)
            if waiting is None:
                continue
            position = position_of(self._consumer, partition)
            is_buffered = partition in self._batch.offsets or partition in self._in_flight
            stored = self._stored.get(partition, position) if is_buffered else position
            lag = waiting + max(0, position - stored)
            CONSUMER_LAG.labels(partition.topic, partition.partition).set(lag)

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
