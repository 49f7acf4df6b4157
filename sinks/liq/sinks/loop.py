"""The loop between a started consumer and a destination: poll, gather, store, commit.

At most two batches exist: the loop stores one while the next one fills. A batch is never dropped at
a rebalance, only with the process, so all records before a committed offset are stored.
"""

import asyncio
import time
from typing import Final

from aiokafka import AIOKafkaConsumer

from liq.runtime.fetch_pace import FetchPace
from liq.runtime.health import Health
from liq.runtime.log_gaps import LogGaps
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, HANDLED, RECORDS_IN, SINK_BUFFERED
from liq.runtime.positions import unread
from liq.runtime.settings import Settings
from liq.sinks.assignments import Assignments
from liq.sinks.attempts import Attempts
from liq.sinks.batch import Batch
from liq.sinks.committing import Committing
from liq.sinks.destination import Destination, PositionsLostError
from liq.sinks.log_watch import LogWatch
from liq.sinks.resuming import Resuming
from liq.sinks.storing import Storing

POLL_SECONDS: Final = 0.2
# Health is reported between polls. A poll consists of steps; a batch exceeds its bytes by at most
# one step.
POLL_RECORDS: Final = 2000
STEP_RECORDS: Final = 100
STEP_BYTES: Final = 4 * 1024 * 1024
# While a full batch waits for the one before, the loop does not poll, which preserves fetched
# records. Kafka considers a consumer dead after five minutes without a poll.
SLOW_SECONDS: Final = 10.0
# A worker has 30 s to stop; the rest is for closing the connections.
FLUSH_SECONDS: Final = 10
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
        self._consumer = consumer
        self._limits = destination.intake.limits
        self._keeps_positions = destination.intake.keeps_positions
        self._attempts = attempts
        self._batches = Storing(destination, attempts, settings.sink_max_rejected_share)
        self._gaps = LogGaps(settings, destination.intake.stage)
        self._logs = LogWatch(consumer, self._gaps)
        self._resuming = Resuming(consumer, destination, attempts, self._logs)
        self.assignments = Assignments(consumer, destination, health, self._logs)
        self._batch = Batch()
        self._pace = FetchPace(STEP_RECORDS, STEP_BYTES)
        self._storing: asyncio.Task[None] | None = None
        self._storing_since = 0.0
        self._is_resuming = False
        self._in_flight_rows = 0
        self._in_flight_records = 0
        self._in_flight = Batch()
        self._committing = Committing(consumer, health, self._logs, self._gaps)

    @property
    def lag(self) -> int:
        """The number of records that are not stored yet, by the brokers' last known ends."""
        waiting = (unread(self._consumer, each) for each in self._consumer.assignment())
        return sum(filter(None, waiting)) + self._batch.count + self._in_flight_records

    async def run(self, stop: asyncio.Event) -> None:
        """Move records until `stop` is set, then flush.

        Raises:
            KafkaError: the brokers do not answer, or reject a request.
            Exception: any exception that the destination does not classify.
        """
        try:
            while not stop.is_set():
                if self.assignments.error is not None:
                    raise self.assignments.error
                self._hand_over()
                if await self._logs.check():
                    self._committing.forget()
                    if self._keeps_positions:
                        self.assignments.are_positions_due = True
                        continue
                await self._poll()
                await self._commit_passed()
            await self._flush()
        finally:
            if self._storing is not None:
                self._storing.cancel()

    async def _commit_passed(self) -> None:
        """Commit positions, except while the start offsets of partitions are being determined."""
        is_moved = not self.assignments.is_settled or self.assignments.are_positions_due
        if not is_moved and not self._is_resuming:
            buffered = self._batch.offsets.keys() | self._in_flight.offsets.keys()
            await self._committing.commit_passed(buffered)

    def _hand_over(self) -> None:
        """Finish a stored batch, and start storing the next one when it is due.

        Due positions go first, because records read from other offsets must not be stored.
        """
        if self._storing is not None and self._storing.done():
            self._finish(self._storing)
        now = time.monotonic()
        if self._storing is None and self.assignments.are_positions_due:
            if self.assignments.is_settled:
                self.assignments.are_positions_due = False
                self._is_resuming = True
                self._storing = asyncio.create_task(self._resuming.ask())
                self._storing_since = now
        elif self._storing is None and self._batch.is_due(self._limits, now):
            batch, self._batch = self._batch, Batch()
            self._in_flight_rows, self._in_flight = batch.row_count, batch
            self._in_flight_records = batch.count
            self._storing = asyncio.create_task(self._store(batch))
            self._storing_since = now
        SINK_BUFFERED.set(self._in_flight_rows + self._batch.row_count)

    def _finish(self, storing: asyncio.Task[None]) -> None:
        self._storing = None
        self._is_resuming = False
        self._in_flight_rows = self._in_flight_records = 0
        self._in_flight = Batch()
        try:
            storing.result()
        except PositionsLostError as error:
            ERRORS.labels("positions_lost").inc()
            log.warning("positions_lost", reason=str(error))
            self._resuming.note_loss()
            self.assignments.are_positions_due = True
        if self._resuming.apply():
            self._batch = Batch()
            self._committing.forget()

    async def _poll(self) -> None:
        if self._storing is not None and (self._attempts.in_trouble or self._is_slow()):
            # The poll keeps the consumer in its group; the pause keeps the records in the broker.
            self._consumer.pause(*self._consumer.assignment())
            await asyncio.wait({self._storing}, timeout=POLL_SECONDS)
            # This returns records only of partitions that were assigned since the pause.
            await self._fetch(0.0, POLL_RECORDS)
            return
        if self._storing is not None and self._batch.is_full(self._limits):
            await asyncio.wait({self._storing}, timeout=POLL_SECONDS)
            return
        if self.assignments.is_settled:
            self._consumer.resume(*self._consumer.paused())
        await self._fetch(
            min(POLL_SECONDS, self._limits.seconds),
            min(POLL_RECORDS, self._limits.rows - self._batch.count),
        )

    def _is_slow(self) -> bool:
        waited_seconds = time.monotonic() - self._storing_since
        return waited_seconds >= SLOW_SECONDS and self._batch.is_full(self._limits)

    async def _fetch(self, timeout_seconds: float, max_records: int) -> None:
        """Add the consumer's records to the batch, up to its bytes; wait only for the first."""
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
                self._batch.logs.setdefault(partition.topic, self._logs.name(partition.topic))
                wanted -= len(records)
            if not polled or self._batch.size_bytes >= self._limits.size_bytes:
                break
            timeout_ms = 0

    async def _store(self, batch: Batch) -> None:
        await self._batches.store(batch)
        self._resuming.note_stored()
        await self._committing.commit(batch)
        HANDLED.add(batch.count)

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                if self._storing is not None:
                    await asyncio.wait({self._storing})
                    self._finish(self._storing)
                if self._batch.count and not self.assignments.are_positions_due:
                    await self._store(self._batch)
        except PositionsLostError as error:
            log.warning("positions_lost", reason=str(error))
        except TimeoutError:
            log.warning("flush_gave_up", seconds=FLUSH_SECONDS, rows=self._batch.row_count)
        log.info("sink_stopped")
