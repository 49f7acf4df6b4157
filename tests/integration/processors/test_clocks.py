"""Whole workers over a broker: records with wrong clocks change no alert, and are reported."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka.admin import NewTopic

from liq.processors.cascades import DetectorConfig, MarketDetector
from liq.processors.cascades.snapshot import MARKET, market_to_bytes
from liq.processors.stages.market import OFFSET
from liq.runtime.believed_time import TOLERANCE_MS
from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode, encode
from liq.schemas.headers import CLOCK_MS, integer_header
from liq.schemas.records import CascadeAlert, FeedStatus
from liq.schemas.vocabulary import AlertType, FeedEvent, Scope
from tests.conftest import RunWorker
from tests.support import clock_log
from tests.support.clock_log import BURST_MS, HOUR_MS, Producer, burst, heartbeat, in_order, stamped
from tests.support.pipeline_log import offline_alerts, read_topic, values

pytestmark = pytest.mark.integration

EXCHANGE = "bybit"
WaitUntil = Callable[[Callable[[], bool]], None]
HOUR_AHEAD = b"%d" % ((BURST_MS + HOUR_MS) * 1_000_000)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", EXCHANGE)
    return make_settings()


async def publish(settings: Settings, records: Sequence[Any]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    topic = settings.topics.raw(EXCHANGE)
    for record in records:
        await producer.send_and_wait(
            topic,
            record.value,
            key=record.key,
            headers=record.headers,
            timestamp_ms=record.timestamp,
        )
    await producer.stop()


async def make_topics(settings: Settings, *, has_append_time: bool) -> None:
    """The topics; without append time, the times that a test states stand in the raw topic."""
    if not has_append_time:
        admin = new_admin(settings, "test")
        await admin.start()
        topic = NewTopic(
            settings.topics.raw(EXCHANGE),
            4,
            1,
            topic_configs={"message.timestamp.type": "CreateTime", "retention.ms": "-1"},
        )
        await admin.create_topics([topic])
        await admin.close()
    await ensure_topics(settings, (EXCHANGE,))


def statuses(settings: Settings) -> list[FeedStatus]:
    return [decode(FeedStatus, value) for value in values(settings, settings.topics.feeds)]


def alerts_of_assets(settings: Settings) -> list[bytes]:
    made = [decode(CascadeAlert, value) for value in values(settings, settings.topics.cascades)]
    return [
        encode(alert)
        for alert in sorted(made, key=lambda alert: alert.sequence)
        if alert.scope is Scope.ASSET and alert.type is not AlertType.LINKED
    ]


@pytest.mark.usefixtures("broker")
def test_a_poisoned_heartbeat_and_a_poisoned_frame_change_no_byte(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    records = burst(Producer())
    place = [number for number, each in enumerate(records) if each.value is not None][30]
    poisoned = [*records]
    poisoned[place] = stamped(records[place], HOUR_AHEAD)
    poisoned.append(stamped(heartbeat(Producer("b"), BURST_MS + 15_000), HOUR_AHEAD))
    asyncio.run(make_topics(settings, has_append_time=False))
    asyncio.run(publish(settings, in_order(poisoned)))
    run_worker("process", "normalize", settings=settings)
    run_worker("process", "detect", settings=settings)
    expected = [encode(alert) for alert in clock_log.alerts(records)]
    assert decode(CascadeAlert, expected[-1]).type is AlertType.ENDED
    wait_until(lambda: len(alerts_of_assets(settings)) >= len(expected))
    assert alerts_of_assets(settings) == expected
    assert {(status.event, status.feed) for status in statuses(settings)} == {
        (FeedEvent.CLOCK, "heartbeat"),
        (FeedEvent.CLOCK, "linear"),
    }
    assert sorted(offline_alerts(settings)) == sorted(values(settings, settings.topics.cascades))


def clocks(settings: Settings) -> list[tuple[int, int]]:
    """The clock and the append time of every heartbeat in the events topic."""
    return [
        (integer_header(record.headers, CLOCK_MS) or 0, record.timestamp)
        for records in read_topic(settings, settings.topics.events).values()
        for record in records
        if record.value is None
    ]


@pytest.mark.usefixtures("broker")
def test_a_heartbeat_from_the_future_reaches_no_partition_of_the_events(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    now_ms = time.time_ns() // 1_000_000
    asyncio.run(make_topics(settings, has_append_time=True))
    asyncio.run(publish(settings, [heartbeat(Producer("b", HOUR_MS), now_ms)]))
    run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(clocks(settings)) == settings.topic_partitions)
    for clock_ms, appended_ms in clocks(settings):
        assert now_ms - TOLERANCE_MS <= clock_ms <= appended_ms
    wait_until(lambda: bool(statuses(settings)))
    [status] = statuses(settings)
    assert (status.event, status.connection) == (FeedEvent.CLOCK, "b")


@pytest.mark.usefixtures("broker")
def test_a_market_state_that_was_poisoned_heals_at_the_start(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    asyncio.run(make_topics(settings, has_append_time=True))
    now_ms = time.time_ns() // 1_000_000
    detector = MarketDetector(DetectorConfig(), range(settings.topic_partitions))
    for source in range(settings.topic_partitions):
        detector.heartbeat(now_ms + HOUR_MS, source)

    async def store() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        state = OFFSET.pack(-1) + market_to_bytes(detector.state)
        await producer.send_and_wait(
            settings.topics.market_state, state, key=b"1|%s" % MARKET.encode(), partition=0
        )
        await producer.stop()

    asyncio.run(store())
    asyncio.run(publish(settings, [heartbeat(Producer(), now_ms)]))
    run_worker("process", "normalize", settings=settings)
    run_worker("process", "detect", settings=settings)
    # The first pulse starts the take-over of the market's state.
    wait_until(lambda: any("stored state" in status.detail for status in statuses(settings)))
