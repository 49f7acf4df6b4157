"""The publisher: sends frames, heartbeats and feed records, with a bound on records in flight.

At the bound, sending waits. The connections then stop reading, and TCP passes the pressure on to
the exchange; memory stays flat. A record that Kafka does not acknowledge in time ends the process.
The restarted process records the time since the last heartbeat as a gap. This module measures the
time itself, because an idempotent producer retries without a limit.
"""

import asyncio
from collections import Counter, deque
from itertools import islice
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from liq.producers.live.clock import Clock
from liq.runtime.metrics import FRAMES, HANDLED, PRODUCER_IN_FLIGHT, RECORDS_OUT
from liq.runtime.sending import KeyPartitions
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, FrameHeaders
from liq.schemas.records import FeedStatus
from liq.schemas.topics import Topics

MAX_IN_FLIGHT_FRAMES: Final = 20_000
MAX_IN_FLIGHT_BYTES: Final = 32 * 1_048_576
# Acknowledgements are polled every so many frames: a callback each would cost more than the rest.
FRAMES_BETWEEN_LOOKS: Final = 256
DRAIN_LOOK_SECONDS: Final = 1.0


class _InFlight(NamedTuple):
    acknowledged: "asyncio.Future[object]"
    topic: str
    size_bytes: int
    received_at_ns: int | None = None  # frames only


class Producers(NamedTuple):
    """One producer for each codec: feed records are public, frames and heartbeats are not."""

    frames: AIOKafkaProducer
    feeds: AIOKafkaProducer


class Publisher:
    """Publisher on started Kafka producers; call `drain` before you stop them.

    `failed` is set to the error of the first record that Kafka did not acknowledge within
    `limit_seconds`. Call `heartbeat` about once a second: it also polls acknowledgements and
    updates the metrics. `frames` counts the frames that the Kafka producer accepted.
    """

    def __init__(
        self,
        producers: Producers,
        topics: Topics,
        clock: Clock,
        slot: str,
        limit_seconds: float,
    ) -> None:
        self.frames = 0
        self._producers = producers
        self._topics = topics
        self._clock = clock
        self._slot = slot
        self._limit_seconds = limit_seconds
        self._last_progress = clock.monotonic()
        # Receive times of frames that are not yet with the Kafka producer, by arrival.
        self._entering: dict[int, int] = {}
        self._arrivals = 0
        self._entering_statuses: set[asyncio.Task[None]] = set()
        self._in_flight: deque[_InFlight] = deque()
        self._in_flight_bytes = 0
        self._since_look = 0
        self._received: Counter[tuple[str, str]] = Counter()
        self._heartbeats = 0
        self._partitions = KeyPartitions(producers.frames)
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Send a frame; wait while too many records are in flight.

        Raises:
            KafkaError: the Kafka producer did not accept the frame; `failed` is set as well.
        """
        self._arrivals = arrival = self._arrivals + 1
        self._entering[arrival] = headers.received_at_ns
        try:
            await self._send_frame(key, value, headers)
        except KafkaError as error:
            self._fail(error)
            raise
        finally:
            del self._entering[arrival]

    async def _send_frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        self._since_look += 1
        if self._since_look >= FRAMES_BETWEEN_LOOKS or self._is_full:
            await self._wait_for_room()
        topic = self._topics.frames(headers.exchange, headers.feed)
        partition = self._partitions.known(topic, key)
        if partition is None:
            partition = await self._partitions.find(topic, key)
        acknowledged = await self._producers.frames.send(
            topic, value, key=key, partition=partition, headers=headers.encode()
        )
        size_bytes = len(value)
        self._in_flight_bytes += size_bytes
        self._in_flight.append(_InFlight(acknowledged, topic, size_bytes, headers.received_at_ns))
        self._received[headers.exchange, headers.feed] += 1
        self.frames += 1

    async def heartbeat(self, exchange: str, blind: tuple[str, ...] = (), cursor: str = "") -> None:
        """Send a heartbeat: this producer's clock, and the feeds that receive nothing.

        The clock stays behind the receive time of every unacknowledged frame, so readers have all
        frames before it. A cursor covers frames that precede it in the heartbeats' partition.
        """
        self.settle()
        if self.failed.done():
            return
        sent = (each.received_at_ns for each in self._in_flight)
        oldest_sent = [*islice((time_ns for time_ns in sent if time_ns is not None), 1)]
        clock_ns = min([self._clock.now_ns(), *self._entering.values(), *oldest_sent])
        headers = FrameHeaders(
            exchange,
            HEARTBEAT_FEED,
            clock_ns,
            self._slot,
            self._heartbeats,
            blind=blind,
            cursor=cursor,
        )
        self._heartbeats += 1
        topic = self._topics.raw(exchange)
        acknowledged = await self._producers.frames.send(
            topic, None, key=HEARTBEAT_KEY, headers=headers.encode()
        )
        self._in_flight.append(_InFlight(acknowledged, topic, 0))

    async def status(self, record: FeedStatus) -> None:
        """Send a feed record, even if the caller is cancelled.

        Raises:
            KafkaError: the Kafka producer did not accept the record; `failed` is set as well.
        """
        sending = asyncio.create_task(self._send_status(record))
        self._entering_statuses.add(sending)
        sending.add_done_callback(self._entering_statuses.discard)
        await asyncio.shield(sending)

    async def _send_status(self, record: FeedStatus) -> None:
        topic, value = self._topics.feeds, encode(record)
        key, headers = record.exchange.encode(), feed_headers(record, value)
        try:
            acknowledged = await self._producers.feeds.send(topic, value, key=key, headers=headers)
        except KafkaError as error:
            self._fail(error)
            raise
        self._in_flight_bytes += len(value)
        self._in_flight.append(_InFlight(acknowledged, topic, len(value)))

    async def drain(self) -> None:
        """Wait until every sent record is acknowledged or has failed."""
        await asyncio.gather(*self._entering_statuses, return_exceptions=True)
        while self._in_flight and not self.failed.done():
            acknowledgements = [sent.acknowledged for sent in self._in_flight]
            await asyncio.wait(acknowledgements, timeout=DRAIN_LOOK_SECONDS)
            self.settle()

    def settle(self) -> None:
        """Remove acknowledged records from the oldest on, and update the metrics.

        Set `failed` where the oldest one has an error, or nothing was acknowledged in time.
        """
        self._since_look = 0
        now = self._clock.monotonic()
        if not self._in_flight or self._in_flight[0].acknowledged.done():
            self._last_progress = now
        elif now - self._last_progress >= self._limit_seconds:
            self._fail(KafkaTimeoutError(f"nothing for {self._limit_seconds:g} s"))
        done: Counter[str] = Counter()
        while self._in_flight and self._in_flight[0].acknowledged.done():
            sent = self._in_flight.popleft()
            self._in_flight_bytes -= sent.size_bytes
            error = None if sent.acknowledged.cancelled() else sent.acknowledged.exception()
            if error is None:
                done[sent.topic] += 1
            else:
                self._fail(error)
        for topic, count in done.items():
            RECORDS_OUT.labels(topic).inc(count)
        for (exchange, feed), count in self._received.items():
            FRAMES.labels(exchange, feed).inc(count)
            HANDLED.add(count)
        self._received.clear()
        PRODUCER_IN_FLIGHT.set(len(self._in_flight))

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    @property
    def _is_full(self) -> bool:
        return (
            len(self._in_flight) >= MAX_IN_FLIGHT_FRAMES
            or self._in_flight_bytes >= MAX_IN_FLIGHT_BYTES
        )

    async def _wait_for_room(self) -> None:
        self.settle()
        while self._is_full:
            await asyncio.wait([self._in_flight[0].acknowledged])
            self.settle()
