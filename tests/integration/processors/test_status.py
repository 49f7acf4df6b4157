"""`liquidations.status`: a quiet market, a dead pipeline and a dead detector look different."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.cloud_events import status_headers
from liq.schemas.codec import decode
from liq.schemas.headers import HEARTBEAT_KEY, heartbeat_headers
from liq.schemas.records import DetectionStatus
from tests.conftest import RunWorker
from tests.support.cascade_events import START_MS
from tests.support.pipeline_log import read_topic, values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

PARTITIONS = 2
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings(topic_partitions=PARTITIONS)
    asyncio.run(ensure_topics(made, ()))
    return made


def beat(settings: Settings, *clocks_ms: int) -> None:
    """Write a heartbeat into each events partition."""

    async def write() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for partition, clock_ms in enumerate(clocks_ms):
            headers = heartbeat_headers(clock_ms)
            await producer.send_and_wait(
                settings.topics.events, None, HEARTBEAT_KEY, partition, headers=headers
            )
        await producer.stop()

    asyncio.run(write())


def statuses(settings: Settings) -> list[DetectionStatus]:
    return [decode(DetectionStatus, value) for value in values(settings, settings.topics.status)]


def is_decided(settings: Settings, until_ms: int) -> bool:
    found = statuses(settings)
    return bool(found) and found[-1].market_decided_until_ms == until_ms


@pytest.mark.slow
def test_statuses_go_on_without_records_and_end_with_the_detector(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    worker = run_worker("process", "detect", settings=settings)
    wait_until(lambda: bool(statuses(settings)))
    before = statuses(settings)[0]
    assert before.partition_count == before.assigned_count == PARTITIONS
    assert (before.assets_decided_until_ms, before.market_decided_until_ms) == (None, None)
    beat(settings, START_MS, START_MS + 9_000)
    wait_until(lambda: is_decided(settings, START_MS))
    count = len(statuses(settings))
    wait_until(lambda: len(statuses(settings)) > count + 1)
    quiet = statuses(settings)[-1]
    assert quiet.assets_decided_until_ms == quiet.market_decided_until_ms == START_MS
    assert (quiet.slowest_partition, quiet.behind_records) == (0, 0)
    assert quiet.behind_ms == quiet.timestamp_ms - START_MS
    os.kill(worker.process_id, signal.SIGKILL)
    worker.expect_end()
    dead = len(statuses(settings))
    beat(settings, START_MS + 20_000, START_MS + 20_000)
    assert len(statuses(settings)) == dead


@pytest.mark.slow
def test_a_restarted_detector_knows_where_it_stands_before_anything_arrives(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    first = run_worker("process", "detect", settings=settings)
    beat(settings, START_MS, START_MS)
    wait_until(lambda: is_decided(settings, START_MS))
    assert first.stop() == 0
    count = len(statuses(settings))
    run_worker("process", "detect", settings=settings)
    wait_until(lambda: len(statuses(settings)) > count)
    assert statuses(settings)[-1].assets_decided_until_ms == START_MS


def test_a_status_has_the_headers_of_its_record(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    run_worker("process", "detect", settings=settings)
    records: dict[int, list[Any]] = {}

    def is_written() -> bool:
        records.update(read_topic(settings, settings.topics.status))
        return bool(records)

    wait_until(is_written)
    record = records[0][0]
    status = decode(DetectionStatus, record.value)
    assert record.key == status.worker.encode() == settings.worker_slot.encode()
    assert list(record.headers) == status_headers(status)
