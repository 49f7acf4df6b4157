"""Foreign records on every topic: good traffic goes on and comes out exactly."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import orjson
import pytest

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import DecodeError, decode
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus, Rejected
from liq.schemas.vocabulary import FeedEvent
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate
from tests.conftest import RunWorker, Worker
from tests.faults.traffic import bitget_frame
from tests.support.foreign_records import foreign_records, write
from tests.support.log_clock import beat
from tests.support.pipeline_log import run_offline, values

pytestmark = pytest.mark.integration

EXCHANGES = ("bitget", "okx")
ASSET = "C1X"
FRAMES = 60
WaitUntil = Callable[..., None]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    monkeypatch.setenv("SINK_MAX_REJECTED_SHARE", "1")
    monkeypatch.setenv("SINK_RAW_ARCHIVE", "true")
    made = make_settings()
    asyncio.run(ensure_topics(made, EXCHANGES))
    with closing(connect(made, use_database=False)) as client:
        migrate(client, made.clickhouse_database)
    return made


async def write_foreign(settings: Settings) -> dict[Any, Any]:
    producer = new_producer(settings, "foreign")
    await producer.start()
    try:
        return await write(producer, list(foreign_records(settings.topics, EXCHANGES)))
    finally:
        await producer.stop()


async def write_burst(settings: Settings) -> None:
    """A burst of liquidations of one asset at the present, and heartbeats after it."""
    producer = new_producer(settings, "good")
    await producer.start()
    topic = settings.topics.raw("bitget")
    try:
        for number in range(FRAMES):
            now_ns = time.time_ns()
            frame = bitget_frame(number, ASSET, now_ns // 1_000_000).encode()
            headers = FrameHeaders("bitget", "liquidation", now_ns, "good", number)
            await producer.send_and_wait(topic, frame, key=ASSET.encode(), headers=headers.encode())
            await asyncio.sleep(0.05)
    finally:
        await producer.stop()


def good_events(settings: Settings) -> list[str]:
    """The ids of the burst's events, each as often as it was published."""
    found = []
    for value in values(settings, settings.topics.events):
        try:
            document = orjson.loads(value)
        except orjson.JSONDecodeError:
            continue
        if isinstance(document, dict) and document.get("base") == ASSET:
            found.append(document["event_id"])
    return found


def has_alert(settings: Settings) -> bool:
    for value in values(settings, settings.topics.cascades):
        try:
            document = orjson.loads(value)
        except orjson.JSONDecodeError:
            continue
        if (
            isinstance(document, dict)
            and document.get("asset") == ASSET
            and document.get("type") == "CASCADE_DETECTED"
        ):
            return True
    return False


def stored_events(settings: Settings) -> set[str]:
    with closing(connect(settings)) as client:
        rows = client.query(
            "SELECT event_id FROM liquidations FINAL WHERE base = {asset:String}",
            parameters={"asset": ASSET},
        ).result_rows
    return {row[0] for row in rows}


def stored_rejections(settings: Settings) -> set[tuple[str, int]]:
    with closing(connect(settings)) as client:
        rows = client.query("SELECT raw_topic, raw_offset FROM rejected").result_rows
    return {(topic, offset) for topic, offset in rows}


def rejected_places(settings: Settings) -> set[tuple[str, int]]:
    """The places of the records that a stage rejected."""
    found = set()
    for value in values(settings, settings.topics.rejected):
        try:
            source = decode(Rejected, value).source
        except DecodeError:
            continue
        if source is not None:
            found.add((source.topic, source.offset))
    return found


def lost_states(settings: Settings) -> set[str]:
    """The state topics of which the feed records say that something was lost."""
    found = set()
    for value in values(settings, settings.topics.feeds):
        try:
            status = decode(FeedStatus, value)
        except DecodeError:
            continue
        if status.event is FeedEvent.GAP and "cannot be read" in status.detail:
            found.add(status.feed)
    return found


def assert_alive(workers: list[Worker]) -> None:
    for worker in workers:
        assert "batch_failed" not in worker.log
        assert "Traceback" not in worker.log


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("broker", "clickhouse")
@pytest.mark.slow
def test_foreign_records_everywhere_change_nothing(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    before = asyncio.run(write_foreign(settings))
    workers = [
        run_worker("process", "normalize", settings=settings),
        run_worker("process", "detect", settings=settings),
        run_worker("sink", "clickhouse", settings=settings),
    ]
    during = asyncio.run(write_foreign(settings))
    topics = settings.topics
    wanted = {
        (topic, offset)
        for written in (before, during)
        for (topic, _, offset), record in written.items()
        if record.value is not None
        and topic in {topics.raw("bitget"), topics.raw("okx"), topics.pulse}
    }

    def all_rejected() -> bool:
        assert_alive(workers)
        return wanted <= rejected_places(settings)

    wait_until(all_rejected, 90)
    asyncio.run(write_burst(settings))

    def alerted() -> bool:
        asyncio.run(beat(settings))
        assert_alive(workers)
        return has_alert(settings)

    wait_until(alerted, 60)
    events = good_events(settings)
    assert len(events) == len(set(events)) == FRAMES
    wait_until(lambda: stored_events(settings) == set(events), 60)
    wait_until(lambda: wanted <= stored_rejections(settings), 60)
    assert_alive(workers)
    assert {topics.detector_state, topics.market_state} <= lost_states(settings)
    # Batches that cannot be read are reported, and not among the exported records.
    for topic in (topics.raw("bitget"), topics.pulse):
        exported = run_offline(settings, "export", topic)
        assert exported.returncode == 0
        assert b"unreadable_records" in exported.stderr
        assert b"unreadable_records" not in exported.stdout
