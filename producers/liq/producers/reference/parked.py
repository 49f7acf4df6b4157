"""Parked frames: published again, once, when the contracts that they wait for are listed.

A frame stays in memory and its offset uncommitted until Kafka has acknowledged it in its raw
topic. After a kill it is polled and published again, with the same event ids. A frame whose
contracts no listing has is published as final, and the normalizer rejects it with its bytes.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from liq.producers.reference.known import KnownContracts
from liq.producers.reference.lister import ContractLister
from liq.producers.reference.timing import ReferenceTiming
from liq.runtime.believed_time import written_at_ms
from liq.runtime.fetch_pace import FetchPace
from liq.runtime.kafka import MAX_REQUEST_BYTES, new_consumer, start_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, HANDLED, PARKED_WAITING, RECORDS_IN, REJECTED, RETRIED
from liq.runtime.positions import position_of, unread
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import EXCHANGE, RAW_KEY, RETRY, Retry, retry_header, text_header
from liq.schemas.records import Rejected, Source
from liq.schemas.vocabulary import RejectReason

STAGE: Final = "reference"
POLL_MS: Final = 200
POLL_RECORDS: Final = 100
POLL_BYTES: Final = 8 * 1_048_576
MAX_WAITING_FRAMES: Final = 10_000
MAX_WAITING_BYTES: Final = 64 * 1_048_576
# A rejection has the payload as base64, which makes four bytes of three.
MAX_PAYLOAD_BYTES: Final = MAX_REQUEST_BYTES // 2

log = get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    """A parked frame; `begun` counts the listings that had begun before it was read."""

    record: Any
    exchange: str
    retry: Retry
    since: float
    begun: int


class ParkedFrames:
    """Consumer group of the topic of parked frames, with a bound on frames in memory."""

    def __init__(
        self,
        settings: Settings,
        *,
        known: KnownContracts,
        lister: ContractLister,
        producer: AIOKafkaProducer,
        timing: ReferenceTiming,
    ) -> None:
        self._settings = settings
        self._known = known
        self._lister = lister
        self._producer = producer
        self._timing = timing
        self._consumer = new_consumer(settings, group=settings.group(STAGE))
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._pace = FetchPace(POLL_RECORDS, POLL_BYTES)
        self._positions: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        # Counts revocations: frames that were read before one belong to the next owner.
        self._generation = 0

    @property
    def lag(self) -> int:
        """The number of parked frames not yet read, by the high watermarks known so far."""
        waiting = (unread(self._consumer, each) for each in self._consumer.assignment())
        return sum(filter(None, waiting))

    async def run(self) -> None:
        """Poll, publish and commit, until cancelled.

        Raises:
            KafkaError: the brokers refuse a record.
        """
        consumer = self._consumer
        consumer.subscribe([self._settings.topics.parked], listener=_Listener(self))
        try:
            await start_consumer(self._settings, consumer)
            while True:
                self._pause_or_resume(consumer)
                fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._pace.records)
                self._pace.note(fetched)
                for place, records in fetched.items():
                    RECORDS_IN.labels(place.topic).inc(len(records))
                    for record in records:
                        await self._take(record)
                    HANDLED.add(len(records))
                self._note_positions(consumer)
                await self._retry_ready()
                await self._commit(consumer)
        finally:
            await consumer.stop()

    def forget(self) -> None:
        """Drop uncommitted frames: the next owner of their partitions reads them again."""
        self._generation += 1
        self._waiting = []
        self._waiting_bytes = 0
        self._positions.clear()
        self._committed.clear()

    def _note_positions(self, consumer: AIOKafkaConsumer) -> None:
        """Record the consumer's positions: aborted transactions and markers return no record."""
        for place in consumer.assignment():
            if (position := position_of(consumer, place)) > 0:
                self._positions[place] = position

    def _pause_or_resume(self, consumer: AIOKafkaConsumer) -> None:
        """Pause the partitions at the bound, and resume them below it; the membership remains."""
        is_full = (
            len(self._waiting) >= MAX_WAITING_FRAMES or self._waiting_bytes >= MAX_WAITING_BYTES
        )
        change = consumer.pause if is_full else consumer.resume
        change(*consumer.assignment())

    async def _take(self, record: Any) -> None:
        retry = retry_header(record.headers)
        exchange = text_header(record.headers, EXCHANGE)
        if retry is None or record.value is None or not self._is_ours(exchange):
            await self._set_aside(record, "it says of no exchange what it waits for")
            return
        if _size(record) > MAX_PAYLOAD_BYTES:
            await self._set_aside(record, "it is larger than any that the normalizer parks")
            return
        self._waiting.append(
            _Waiting(record, exchange, retry, time.monotonic(), self._lister.begun(exchange))
        )
        self._waiting_bytes += len(record.value)

    async def _set_aside(self, record: Any, why: str) -> None:
        """Reject a record that is not a parked frame, with as many of its bytes as fit."""
        ERRORS.labels("parked_unreadable").inc()
        REJECTED.labels("", RejectReason.UNKNOWN_MESSAGE).inc()
        rejected = Rejected(
            reason=RejectReason.UNKNOWN_MESSAGE,
            detail=f"The record is no parked frame: {why}.",
            exchange="",
            feed="",
            received_at_ms=written_at_ms(record),
            payload=(record.value or b"")[:MAX_PAYLOAD_BYTES],
            stage=STAGE,
            source=Source(record.topic, record.partition, record.offset),
        )
        await self._producer.send_and_wait(
            self._settings.topics.rejected, encode(rejected), key=STAGE.encode()
        )

    def _is_ours(self, exchange: str) -> bool:
        """Return whether this process or another lists the contracts of an exchange."""
        return self._lister.lists(exchange) or bool(self._known.of(exchange))

    async def _retry_ready(self) -> None:
        """Publish every frame whose contracts are known, or that has waited long enough."""
        still: list[_Waiting] = []
        sent = []
        generation = self._generation
        for frame in tuple(self._waiting):
            known = self._known.of(frame.exchange)
            is_listed = all(symbol in known for symbol in frame.retry.contracts)
            if is_listed and self._came_back_just_now(frame):
                still.append(frame)
            elif is_listed:
                # A normalizer parks a frame again if it did not find contracts that we know.
                is_final = frame.retry.attempt >= self._timing.give_up_listings
                sent.append(await self._send(frame, is_final=is_final))
            elif self._is_given_up(frame):
                sent.append(await self._send(frame, is_final=True))
            else:
                self._lister.ask(frame.exchange)
                still.append(frame)
        await asyncio.gather(*sent)
        if generation == self._generation:
            self._waiting = still
            self._waiting_bytes = sum(len(frame.record.value) for frame in still)
        PARKED_WAITING.set(len(self._waiting))

    def _came_back_just_now(self, frame: _Waiting) -> bool:
        """Return whether a frame was parked again too recently to be published once more.

        The normalizer that did not find a listed contract needs time to read its metadata.
        """
        waited_seconds = time.monotonic() - frame.since
        return frame.retry.attempt > 0 and waited_seconds < self._timing.ask_seconds

    def _is_given_up(self, frame: _Waiting) -> bool:
        if time.monotonic() - frame.since >= self._timing.give_up_seconds:
            return True
        listings = self._lister.succeeded_since(frame.exchange, frame.begun)
        return listings >= self._timing.give_up_listings

    async def _send(self, frame: _Waiting, *, is_final: bool) -> "asyncio.Future[Any]":
        """Send a frame to its raw topic, with its own headers; return the acknowledgement."""
        record, exchange, retry = frame.record, frame.exchange, frame.retry
        known = self._known.of(exchange)
        listed = [symbol for symbol in retry.contracts if symbol in known]
        offset = None
        if listed:
            came_back = retry.attempt > 0
            offset = await self._known.offset_of(
                self._producer, exchange, listed, publish_again=came_back
            )
        header = replace(retry, attempt=retry.attempt + 1, offset=offset, is_final=is_final)
        raw_keys = [value for name, value in record.headers if name == RAW_KEY]
        acknowledged: asyncio.Future[Any] = await self._producer.send(
            self._settings.topics.raw(exchange),
            record.value,
            key=raw_keys[0] if raw_keys else None,
            headers=[*_own_headers(record.headers), header.encode()],
        )
        result = "unlisted" if is_final else "listed"
        RETRIED.labels(exchange, result).inc()
        log.info("frame_retried", exchange=exchange, contracts=retry.contracts[:5], result=result)
        return acknowledged

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit each partition's offset of its first waiting frame, or its position."""
        offsets = dict(self._positions)
        for frame in self._waiting:
            place = TopicPartition(frame.record.topic, frame.record.partition)
            if place in offsets:
                offsets[place] = min(offsets[place], frame.record.offset)
        news = {place: at for place, at in offsets.items() if self._committed.get(place) != at}
        if not news:
            return
        try:
            await consumer.commit(news)
        except (CommitFailedError, IllegalStateError) as error:
            # The partitions were revoked; their frames are published twice, with the same ids.
            ERRORS.labels("parked_commit").inc()
            log.warning("parked_not_committed", error=repr(error))
            self.forget()
        else:
            self._committed.update(news)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, frames: ParkedFrames) -> None:
        self._frames = frames

    async def on_partitions_revoked(self, _revoked: Any) -> None:
        """Drop the frames that the next owners will read."""
        self._frames.forget()

    async def on_partitions_assigned(self, _assigned: Any) -> None:
        """Do nothing: aiokafka begins at the committed offsets by itself."""


def _size(record: Any) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.value) + len(record.key or b"") + headers


def _own_headers(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [header for header in headers if header[0] not in {RETRY, RAW_KEY}]
