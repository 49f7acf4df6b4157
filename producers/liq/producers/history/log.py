"""The records that the backfill worker sends to Kafka."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from liq.producers.history.gaps import Span
from liq.producers.history.repair import Verdict
from liq.producers.history.spec import HistorySpec
from liq.runtime.feed_records import deliver_feed_status
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_EVENTS, FRAMES, RECORDS_OUT
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, FrameHeaders
from liq.schemas.records import FeedStatus, OpenPosition

MAX_DETAIL_CHARACTERS: Final = 500

log = get_logger(__name__)


class Log:
    """Sender of the worker's records: answers as raw frames, heartbeats, and feed records."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._topics = settings.topics
        self._slot = settings.worker_slot
        self._producer = producer
        self._sequence = 0
        # Receive times of frames that are not acknowledged yet, by their sequence.
        self._entering: dict[int, int] = {}
        # Each exchange's last heartbeat and its number.
        self._heartbeats: dict[str, tuple[asyncio.Future[Any], int]] = {}

    async def publish(
        self, spec: HistorySpec, feed: str, subject: str, answer: bytes, received_at_ns: int
    ) -> None:
        """Publish an answer's bytes as a raw frame of a feed, and wait for the acknowledgement.

        Raises:
            KafkaError: the brokers do not acknowledge it.
        """
        headers = FrameHeaders(
            spec.exchange,
            feed,
            received_at_ns,
            self.connection(spec.exchange, feed),
            self._sequence,
            subject="" if spec.tells_subject else subject,
        )
        self._sequence += 1
        topic = self._topics.raw(spec.exchange)
        self._entering[headers.sequence] = received_at_ns
        try:
            await self._producer.send_and_wait(
                topic, answer, key=(subject or spec.exchange).encode(), headers=headers.encode()
            )
        finally:
            del self._entering[headers.sequence]
        RECORDS_OUT.labels(topic).inc()
        FRAMES.labels(spec.exchange, feed).inc()

    async def heartbeat(self, exchange: str, blind: tuple[str, ...], now_ns: int) -> None:
        """Send a heartbeat of an exchange's polled feeds; `blind` are those that receive nothing.

        As with a producer of pushed feeds, its clock stays behind the receive time of every
        unacknowledged frame. While a heartbeat is unacknowledged, no further one is sent.

        Raises:
            KafkaError: the brokers did not acknowledge the last heartbeat.
        """
        number = 0
        if exchange in self._heartbeats:
            before, number = self._heartbeats[exchange]
            if not before.done():
                return
            before.result()
        headers = FrameHeaders(
            exchange,
            HEARTBEAT_FEED,
            min([now_ns, *self._entering.values()]),
            f"{self._slot}:backfill",
            number,
            blind=blind,
        )
        topic = self._topics.raw(exchange)
        acknowledged = await self._producer.send(
            topic, None, key=HEARTBEAT_KEY, headers=headers.encode()
        )
        RECORDS_OUT.labels(topic).inc()
        self._heartbeats[exchange] = acknowledged, number + 1

    async def positions(self, positions: Iterable[OpenPosition]) -> None:
        """Publish the positions of a snapshot, and wait for their acknowledgement.

        Raises:
            KafkaError: the brokers do not acknowledge one.
        """
        topic = self._topics.positions
        sent = [
            await self._producer.send(topic, encode(each), key=each.exchange.encode())
            for each in positions
        ]
        for each in sent:
            await each
        RECORDS_OUT.labels(topic).inc(len(sent))

    async def end(self, span: Span, verdict: Verdict, at_ms: int) -> None:
        """Publish how a repair ended, one record for each of its gaps.

        Raises:
            KafkaError: the brokers do not acknowledge it.
        """
        for gap in span.gaps:
            status = FeedStatus(
                exchange=gap.exchange,
                feed=gap.feed,
                connection=gap.connection,
                event=verdict.event,
                timestamp_ms=at_ms,
                detail=verdict.detail[:MAX_DETAIL_CHARACTERS],
                from_ms=gap.from_ms,
                to_ms=gap.to_ms,
                row_count=verdict.rows,
                request_count=verdict.answers,
            )
            await self.deliver(status)
            FEED_EVENTS.labels(status.exchange, status.feed, status.event.value).inc()
        log.info(
            "repair_ended",
            verdict=verdict.event.value,
            span=span.name,
            detail=verdict.detail,
            rows=verdict.rows,
            requests=verdict.answers,
        )

    async def deliver(self, status: FeedStatus) -> None:
        """Publish a feed record.

        Raises:
            KafkaError: the brokers do not acknowledge it.
        """
        await deliver_feed_status(self._producer, self._topics, status)

    def connection(self, exchange: str, feed: str) -> str:
        """Return the name under which this worker receives a feed."""
        return f"{self._slot}:{exchange}.{feed}"
