"""Frames, heartbeats and feed records into Kafka, with a bound on what is not yet acknowledged.

At the bound, sending waits. The connections then stop reading, and TCP passes the pressure on to
the exchange; memory stays flat. A record that Kafka does not acknowledge ends the process: what is
lost lies between the last heartbeat and the restart, which records it as a gap.
"""

import asyncio
from collections import Counter, deque
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from producers.clock import Clock
from runtime.metrics import FRAMES, HANDLED, PRODUCER_IN_FLIGHT, RECORDS_OUT
from schemas.codec import encode
from schemas.headers import HEARTBEAT_KEY, FrameHeaders
from schemas.records import FeedStatus
from schemas.topics import Topics

HEARTBEAT_FEED: Final = "heartbeat"
MAX_IN_FLIGHT_FRAMES: Final = 20_000
MAX_IN_FLIGHT_BYTES: Final = 32 * 1_048_576
MAX_KNOWN_KEYS: Final = 20_000
# Acknowledgements are looked at this often; a callback for each would cost more than the rest.
FRAMES_BETWEEN_LOOKS: Final = 256


class _InFlight(NamedTuple):
    acknowledged: "asyncio.Future[object]"
    topic: str
    size_bytes: int
    received_at_ns: int | None = None  # frames only


class Publisher:
    """Sends through a started producer; `drain` before stopping it.

    `failed` gets the error of the first record that Kafka did not acknowledge. `settle` has to be
    called every second or so: it looks at acknowledgements and brings the metrics up to date.
    """

    def __init__(self, producer: AIOKafkaProducer, topics: Topics, clock: Clock, slot: str) -> None:
        self._producer = producer
        self._topics = topics
        self._clock = clock
        self._slot = slot
        self._in_flight: deque[_InFlight] = deque()
        self._in_flight_bytes = 0
        self._since_look = 0
        self._received: Counter[tuple[str, str]] = Counter()
        self._heartbeats = 0
        self._partitioner = DefaultPartitioner()
        self._partitions: dict[str, list[int]] = {}
        self._places: dict[tuple[str, bytes], int] = {}
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Send a frame; waits while too much is not acknowledged."""
        self._since_look += 1
        if self._since_look >= FRAMES_BETWEEN_LOOKS or self._is_full:
            await self._wait_for_room()
        topic = self._topics.raw(headers.exchange)
        place = self._places.get((topic, key))
        if place is None:
            place = await self._find_place(topic, key)
        acknowledged = await self._producer.send(
            topic, value, key=key, partition=place, headers=headers.encode()
        )
        size_bytes = len(value)
        self._in_flight_bytes += size_bytes
        self._in_flight.append(_InFlight(acknowledged, topic, size_bytes, headers.received_at_ns))
        self._received[headers.exchange, headers.feed] += 1

    async def heartbeat(self, exchange: str) -> None:
        """Tell readers how far this producer's clock has come.

        Never beyond a frame that is not acknowledged: readers may rely on having all before it.
        """
        self.settle()
        clock_ns = self._clock.now_ns()
        oldest = next((sent for sent in self._in_flight if sent.received_at_ns is not None), None)
        if oldest is not None and oldest.received_at_ns is not None:
            clock_ns = min(clock_ns, oldest.received_at_ns)
        headers = FrameHeaders(exchange, HEARTBEAT_FEED, clock_ns, self._slot, self._heartbeats)
        self._heartbeats += 1
        topic = self._topics.raw(exchange)
        acknowledged = await self._producer.send(
            topic, None, key=HEARTBEAT_KEY, headers=headers.encode()
        )
        self._in_flight.append(_InFlight(acknowledged, topic, 0))

    async def status(self, record: FeedStatus) -> None:
        """Send a feed record."""
        topic, value = self._topics.feeds, encode(record)
        acknowledged = await self._producer.send(topic, value, key=record.exchange.encode())
        self._in_flight_bytes += len(value)
        self._in_flight.append(_InFlight(acknowledged, topic, len(value)))

    async def drain(self) -> None:
        """Wait until everything that was sent is acknowledged or has failed."""
        while self._in_flight:
            await asyncio.wait([sent.acknowledged for sent in self._in_flight])
            self.settle()

    def settle(self) -> None:
        """Let go of what Kafka has acknowledged, oldest first."""
        self._since_look = 0
        done: Counter[str] = Counter()
        while self._in_flight and self._in_flight[0].acknowledged.done():
            sent = self._in_flight.popleft()
            self._in_flight_bytes -= sent.size_bytes
            error = None if sent.acknowledged.cancelled() else sent.acknowledged.exception()
            if error is None:
                done[sent.topic] += 1
            elif not self.failed.done():
                self.failed.set_result(error)
        for topic, count in done.items():
            RECORDS_OUT.labels(topic).inc(count)
        for (exchange, feed), count in self._received.items():
            FRAMES.labels(exchange, feed).inc(count)
            HANDLED.add(count)
        self._received.clear()
        PRODUCER_IN_FLIGHT.set(len(self._in_flight))

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

    async def _find_place(self, topic: str, key: bytes) -> int:
        """The partition of a key; remembered, because Kafka's hash is slow in Python."""
        if topic not in self._partitions:
            self._partitions[topic] = sorted(await self._producer.partitions_for(topic))
        numbers = self._partitions[topic]
        if len(self._places) >= MAX_KNOWN_KEYS:
            self._places.clear()
        place: int = self._partitioner(key, numbers, numbers)
        self._places[topic, key] = place
        return place
