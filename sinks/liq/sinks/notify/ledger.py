"""The ledger: a compacted topic of one partition with the selected and the settled messages.

Only the leading process appends. A process that was frozen learns from the ledger that another one
leads, because `refresh` reads it to its end. Couriers send only if the last `refresh` is younger
than `LEASE_SECONDS`, so a process that was frozen sends nothing more.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.kafka import assign_from_beginning, new_consumer, new_producer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.retry import Backoff, BackoffPolicy
from liq.runtime.settings import Settings
from liq.sinks.notify.ledger_records import (
    Claim,
    Encoded,
    LedgerRecord,
    decode_record,
    encode_claim,
)

CLIENT_ID: Final = "notify"
LEASE_SECONDS: Final = 10.0
REFRESH_SECONDS: Final = 1.0
STALL_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
BACKOFF: Final = BackoffPolicy(first_seconds=0.1, longest_seconds=5.0)
log = get_logger(__name__)


class Ledger:
    """Access of one process to the ledger; `worker` is its name in claims."""

    def __init__(self, settings: Settings, worker: str) -> None:
        self._settings = settings
        self._worker = worker
        self._place = TopicPartition(settings.topics.notify_ledger, 0)
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._producer_lock = asyncio.Lock()
        self._claim: Claim | None = None
        self._highest = 0
        self._refreshed_at = float("-inf")

    @property
    def is_leading(self) -> bool:
        """Whether this process leads according to the records read so far."""
        return self._claim is not None and self._claim.epoch == self._highest

    @property
    def is_fresh(self) -> bool:
        """Whether this process may send: it leads and has read the ledger recently."""
        return self.is_leading and time.monotonic() - self._refreshed_at < LEASE_SECONDS

    async def open(self) -> None:
        """Connect.

        Raises:
            KafkaError: the brokers do not answer.
        """
        await self.close()
        self._producer = await self._start_producer()
        self._consumer = new_consumer(self._settings)
        await start_consumer(self._settings, self._consumer)
        await assign_from_beginning(self._consumer, self._place)

    async def close(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        consumer, self._consumer = self._consumer, None
        for client in (producer, consumer):
            if client is not None:
                await _stop(client)

    async def take_lead(self) -> list[LedgerRecord]:
        """Read the ledger from its beginning, claim the lead, and return all earlier records.

        Raises:
            KafkaError: the brokers do not answer.
        """
        consumer = self._open_consumer()
        await assign_from_beginning(consumer, self._place)
        await consumer.seek_to_beginning(self._place)
        self._claim = None
        records = await self._read()
        claim = Claim(self._highest + 1, self._worker)
        await self.append([encode_claim(claim)])
        # Records that the previous leader appended before this claim still count.
        records += await self._read()
        self._claim = claim
        log.info("notify_leads", epoch=claim.epoch, records=len(records))
        return records

    async def refresh(self) -> list[LedgerRecord]:
        """Read and return new records; a newer claim among them ends this process's lead.

        Raises:
            KafkaError: the brokers do not answer.
        """
        return await self._read()

    async def append(self, records: Sequence[Encoded]) -> None:
        """Append records in order; retry until Kafka has acknowledged all of them.

        A repeat after a lost acknowledgement is harmless: the records have the same keys.
        """
        topic = self._place.topic
        await self._send([(topic, 0, key, value) for key, value in records])

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Send a record to another topic, as `append` does."""
        await self._send([(topic, None, key, value)])

    async def _send(self, records: Sequence[tuple[str, int | None, bytes, bytes | None]]) -> None:
        backoff: Backoff | None = None
        while True:
            async with self._producer_lock:
                producer = self._open_producer()
            try:
                futures = [
                    await producer.send(topic, value, key=key, partition=partition)
                    for topic, partition, key, value in records
                ]
                await asyncio.gather(*futures)
            except KafkaError as error:
                ERRORS.labels("ledger").inc()
                backoff = backoff or Backoff(BACKOFF)
                seconds = backoff.next_seconds()
                log.warning("ledger_send_failed", error=repr(error), retry_in_seconds=seconds)
                await asyncio.sleep(seconds)
                await self._renew_producer(producer)
            else:
                return

    async def _read(self) -> list[LedgerRecord]:
        """Read from the consumer's position to the partition's current end."""
        consumer = self._open_consumer()
        started_at = time.monotonic()
        ends = await consumer.end_offsets([self._place])
        records: list[LedgerRecord] = []
        async for record in read_to_ends(consumer, ends, max_stall_seconds=STALL_SECONDS):
            found = decode_record(record.key, record.value)
            if isinstance(found, Claim):
                self._highest = max(self._highest, found.epoch)
            elif found is not None:
                records.append(found)
        self._refreshed_at = started_at
        return records

    async def _renew_producer(self, failed: AIOKafkaProducer) -> None:
        """Replace a failed producer, which may have lost a sequence number for good."""
        async with self._producer_lock:
            if self._producer is not failed:
                return
            await _stop(failed)
            while self._producer is failed:
                try:
                    self._producer = await self._start_producer()
                except KafkaError as error:
                    log.warning("ledger_unreachable", error=repr(error))
                    await asyncio.sleep(BACKOFF.longest_seconds)

    async def _start_producer(self) -> AIOKafkaProducer:
        producer = new_producer(self._settings, CLIENT_ID, linger_ms=0)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    def _open_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("open() was not called")
        return self._producer

    def _open_consumer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("open() was not called")
        return self._consumer


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client within a time limit, because it waits long for unreachable brokers."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await client.stop()
    except (KafkaError, TimeoutError) as error:
        log.info("ledger_client_did_not_stop", error=repr(error))
