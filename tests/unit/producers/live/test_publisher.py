"""What is not yet acknowledged: the bound, heartbeats that wait for it, and the limit in time."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from liq.producers.live import publisher as publisher_module
from liq.producers.live.publisher import Producers, Publisher
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import encode
from liq.schemas.headers import RECEIVED_AT_NS, FrameHeaders, integer_header
from liq.schemas.records import FeedStatus
from liq.schemas.topics import Topics
from liq.schemas.vocabulary import FeedEvent

LIMIT_SECONDS = 30.0
TOPICS = Topics("liquidations")
LOST = FeedStatus(
    exchange="okx", feed="public", connection="a", event=FeedEvent.LOST, timestamp_ms=1
)


class HandClock:
    """Stands where the test puts it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.ns = 1_000_000

    def monotonic(self) -> float:
        return self.seconds

    def now_ns(self) -> int:
        return self.ns


class FeedProducer:
    """The producer of feed records: another client of the same brokers."""

    def __init__(self, kafka: "SlowKafka") -> None:
        self.kafka = kafka
        self.sent: list[tuple[str, bytes, dict[str, bytes]]] = []

    async def send(self, topic: str, value: bytes, **options: Any) -> asyncio.Future[object]:
        acknowledged = await self.kafka.send(topic, value, **options)
        self.sent.append((topic, options["key"], dict(options["headers"])))
        return acknowledged


class SlowKafka:
    """Takes records while it `has_room`, and acknowledges them when the test says so."""

    def __init__(self) -> None:
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.error: KafkaError | None = None
        self.heartbeats: list[int] = []
        self.waiting: list[asyncio.Future[object]] = []
        self.feeds = FeedProducer(self)

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0, 1, 2}

    async def send(
        self, _topic: str, value: bytes | None, **options: Any
    ) -> asyncio.Future[object]:
        if self.error is not None:
            raise self.error
        if value is None:
            self.heartbeats.append(integer_header(options["headers"], RECEIVED_AT_NS) or 0)
        else:
            await self.has_room.wait()
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def acknowledge(self) -> None:
        for each in self.waiting:
            if not each.done():
                each.set_result(None)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def kafka() -> SlowKafka:
    return SlowKafka()


@pytest.fixture
async def publisher(kafka: SlowKafka, clock: HandClock) -> Publisher:
    producers = Producers(frames=cast("Any", kafka), feeds=cast("Any", kafka.feeds))
    return Publisher(producers, TOPICS, clock, "a", LIMIT_SECONDS)


def headers(received_at_ns: int) -> FrameHeaders:
    return FrameHeaders("okx", "public", received_at_ns, "a:okx.public:1", 0)


async def turn() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_heartbeat_tells_the_time_when_nothing_waits(
    publisher: Publisher, kafka: SlowKafka, clock: HandClock
) -> None:
    await publisher.frame(b"BTC", b"{}", headers(clock.ns))
    kafka.acknowledge()
    clock.ns += 5
    await publisher.heartbeat("okx")
    assert kafka.heartbeats == [clock.ns]


async def test_a_heartbeat_never_passes_a_frame_that_is_not_acknowledged(
    publisher: Publisher, kafka: SlowKafka, clock: HandClock
) -> None:
    received_at_ns = clock.ns
    await publisher.frame(b"BTC", b"{}", headers(received_at_ns))
    clock.ns += 5
    await publisher.heartbeat("okx")
    assert kafka.heartbeats == [received_at_ns]


async def test_a_heartbeat_never_passes_a_frame_that_still_waits_for_its_turn(
    publisher: Publisher, kafka: SlowKafka, clock: HandClock
) -> None:
    received_at_ns = clock.ns
    kafka.has_room.clear()
    sending = asyncio.create_task(publisher.frame(b"BTC", b"{}", headers(received_at_ns)))
    await turn()
    clock.ns += 5
    await publisher.heartbeat("okx")
    kafka.has_room.set()
    await sending
    kafka.acknowledge()
    await publisher.heartbeat("okx")
    assert kafka.heartbeats == [received_at_ns, clock.ns]


async def test_at_the_bound_frames_wait_until_something_is_acknowledged(
    publisher: Publisher, kafka: SlowKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "MAX_IN_FLIGHT_BYTES", 1_000)
    await publisher.frame(b"BTC", bytes(1_000), headers(1))
    waiting = asyncio.create_task(publisher.frame(b"BTC", bytes(1_000), headers(2)))
    await turn()
    assert len(kafka.waiting) == 1
    kafka.acknowledge()
    await waiting
    assert len(kafka.waiting) == 2
    assert publisher.frames == 2


async def test_without_an_acknowledgement_for_too_long_it_has_failed(
    publisher: Publisher, kafka: SlowKafka, clock: HandClock
) -> None:
    await publisher.frame(b"BTC", b"{}", headers(1))
    publisher.settle()
    clock.seconds += LIMIT_SECONDS - 1
    publisher.settle()
    assert not publisher.failed.done()
    clock.seconds += 1
    publisher.settle()
    assert isinstance(publisher.failed.result(), KafkaTimeoutError)
    await publisher.heartbeat("okx")
    assert kafka.heartbeats == [], "no heartbeat may claim what is lost"


async def test_steady_acknowledgements_are_no_failure_however_long_it_takes(
    publisher: Publisher, kafka: SlowKafka, clock: HandClock
) -> None:
    for number in range(10):
        await publisher.frame(b"BTC", b"{}", headers(number))
        clock.seconds += LIMIT_SECONDS - 1
        kafka.acknowledge()
        publisher.settle()
    clock.seconds += 10 * LIMIT_SECONDS
    publisher.settle()
    assert not publisher.failed.done()


async def test_a_record_that_is_not_taken_fails_at_once(
    publisher: Publisher, kafka: SlowKafka
) -> None:
    kafka.error = KafkaTimeoutError("full")
    with pytest.raises(KafkaTimeoutError):
        await publisher.status(LOST)
    with pytest.raises(KafkaTimeoutError):
        await publisher.frame(b"BTC", b"{}", headers(1))
    assert publisher.failed.result() is kafka.error


async def test_feed_records_go_through_the_producer_of_public_records(
    publisher: Publisher, kafka: SlowKafka
) -> None:
    await publisher.frame(b"BTC", b"{}", headers(1))
    await publisher.status(LOST)
    [(topic, key, found)] = kafka.feeds.sent
    assert (topic, key) == (TOPICS.feeds, b"okx")
    assert found == dict(feed_headers(LOST, encode(LOST)))


async def test_draining_ends_with_the_last_acknowledgement(
    publisher: Publisher, kafka: SlowKafka
) -> None:
    for number in range(5):
        await publisher.frame(b"BTC", b"{}", headers(number))
    draining = asyncio.create_task(publisher.drain())
    await turn()
    assert not draining.done()
    kafka.acknowledge()
    await draining


async def test_a_feed_record_goes_out_though_its_feed_is_stopped(
    publisher: Publisher, kafka: SlowKafka
) -> None:
    kafka.has_room.clear()
    telling = asyncio.create_task(publisher.status(LOST))
    await turn()
    telling.cancel()
    draining = asyncio.create_task(publisher.drain())
    await turn()
    kafka.has_room.set()
    await turn()
    assert not draining.done()
    kafka.acknowledge()
    await draining
    assert len(kafka.waiting) == 1
