"""Frames, heartbeats and feed records into Kafka, with a bound on what is not yet acknowledged.

At the bound, sending waits. The connections then stop reading, and TCP passes the pressure on to
the exchange; memory stays flat. A record that Kafka does not acknowledge ends the process: what is
lost lies between the last heartbeat and the restart, which records it as a gap.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer

from producers.clock import Clock
from runtime.metrics import FRAMES, HANDLED, PRODUCER_IN_FLIGHT, RECORDS_OUT
from schemas.codec import encode
from schemas.headers import HEARTBEAT_KEY, FrameHeaders
from schemas.records import FeedStatus
from schemas.topics import Topics

HEARTBEAT_FEED: Final = "heartbeat"
MAX_IN_FLIGHT_FRAMES: Final = 20_000
MAX_IN_FLIGHT_BYTES: Final = 32 * 1_048_576


@dataclass(frozen=True, slots=True)
class _InFlight:
    topic: str
    received_at_ns: int
    size_bytes: int


class Publisher:
    """Sends through a started producer; `drain` before stopping it.

    `failed` gets the error of the first record that Kafka did not acknowledge.
    """

    def __init__(self, producer: AIOKafkaProducer, topics: Topics, clock: Clock, slot: str) -> None:
        self._producer = producer
        self._topics = topics
        self._clock = clock
        self._slot = slot
        self._in_flight: dict[asyncio.Future[object], _InFlight] = {}
        self._in_flight_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._others: dict[asyncio.Future[object], str] = {}
        self._heartbeats = 0
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Send a frame; waits while too much is not acknowledged."""
        if not self._has_room.is_set():
            await self._has_room.wait()
        topic = self._topics.raw(headers.exchange)
        future = await self._producer.send(topic, value, key=key, headers=headers.encode())
        self._in_flight[future] = _InFlight(topic, headers.received_at_ns, len(value))
        self._in_flight_bytes += len(value)
        self._measure()
        future.add_done_callback(self._frame_done)
        FRAMES.labels(headers.exchange, headers.feed).inc()
        HANDLED.add(1)

    async def heartbeat(self, exchange: str) -> None:
        """Tell readers how far this producer's clock has come.

        Never beyond a frame that is not acknowledged: readers may rely on having all before it.
        """
        clock_ns = self._clock.now_ns()
        oldest = next(iter(self._in_flight.values()), None)
        if oldest is not None:
            clock_ns = min(clock_ns, oldest.received_at_ns)
        headers = FrameHeaders(exchange, HEARTBEAT_FEED, clock_ns, self._slot, self._heartbeats)
        self._heartbeats += 1
        topic = self._topics.raw(exchange)
        future = await self._producer.send(topic, None, key=HEARTBEAT_KEY, headers=headers.encode())
        self._watch(topic, future)

    async def status(self, record: FeedStatus) -> None:
        """Send a feed record."""
        future = await self._producer.send(
            self._topics.feeds, encode(record), key=record.exchange.encode()
        )
        self._watch(self._topics.feeds, future)

    async def drain(self) -> None:
        """Wait until everything that was sent is acknowledged or has failed."""
        while waiting := [*self._in_flight, *self._others]:
            await asyncio.wait(waiting)

    def _watch(self, topic: str, future: "asyncio.Future[object]") -> None:
        self._others[future] = topic
        future.add_done_callback(self._other_done)

    def _other_done(self, future: "asyncio.Future[object]") -> None:
        self._note_result(self._others.pop(future), future)

    def _frame_done(self, future: "asyncio.Future[object]") -> None:
        sent = self._in_flight.pop(future)
        self._in_flight_bytes -= sent.size_bytes
        self._measure()
        self._note_result(sent.topic, future)

    def _note_result(self, topic: str, future: "asyncio.Future[object]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is None:
            RECORDS_OUT.labels(topic).inc()
        elif not self.failed.done():
            self.failed.set_result(error)

    def _measure(self) -> None:
        PRODUCER_IN_FLIGHT.set(len(self._in_flight))
        if (
            len(self._in_flight) >= MAX_IN_FLIGHT_FRAMES
            or self._in_flight_bytes >= MAX_IN_FLIGHT_BYTES
        ):
            self._has_room.clear()
        else:
            self._has_room.set()
