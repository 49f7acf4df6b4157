"""Transactional producers on Apache Kafka: what they abort is no data and leaves no lag."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import closing
from urllib.request import urlopen

import pytest
from aiokafka import AIOKafkaProducer

from liq.devstack.progress import PipelineProgress
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode, encode
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import tables_by_topic
from tests.conftest import RunWorker, Worker
from tests.faults.traffic import bitget_frame
from tests.support import sample_records
from tests.support.log_clock import beat
from tests.support.pipeline_log import run_offline, values
from tests.support.transactions import transactional

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.environ.get("KAFKA") != "apache", reason="needs transactions; run with KAFKA=apache"
    ),
]
COMMITTED, ABORTED = "C1X", "C2X"
FRAMES = 60
WaitUntil = Callable[..., None]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", "bitget")
    made = make_settings()
    asyncio.run(ensure_topics(made, ("bitget",)))
    with closing(connect(made, use_database=False)) as client:
        migrate(client, made.clickhouse_database)
    return made


async def send_burst(producer: AIOKafkaProducer, topic: str, asset: str) -> None:
    for number in range(FRAMES):
        now_ns = time.time_ns()
        frame = bitget_frame(number, asset, now_ns // 1_000_000).encode()
        headers = FrameHeaders("bitget", "liquidation", now_ns, "transactional", number)
        await producer.send_and_wait(topic, frame, key=asset.encode(), headers=headers.encode())
        await asyncio.sleep(0.02)


async def write_transactions(settings: Settings) -> None:
    """One transaction that commits between two that abort: the logs end in aborted records."""
    topics = settings.topics
    async with transactional(settings, "a") as producer:
        for asset, is_committed in ((ABORTED, False), (COMMITTED, True), (ABORTED, False)):
            await producer.begin_transaction()
            await send_burst(producer, topics.raw("bitget"), asset)
            if is_committed:
                await producer.commit_transaction()
                continue
            event = encode(sample_records.liquidation())
            alert = encode(sample_records.alert())
            for partition in range(settings.topic_partitions):
                await producer.send_and_wait(topics.events, event, partition=partition)
                await producer.send_and_wait(topics.cascades, alert, partition=partition)
                await producer.send_and_wait(
                    topics.detector_state, b"x", key=b"9|C1X", partition=partition
                )
            await producer.send_and_wait(topics.market_state, b"x", key=b"9|market", partition=0)
            await producer.send_and_wait(topics.instruments, b"{}", key=b"x", partition=0)
            await producer.send_and_wait(topics.pulse, b"{}", partition=0)
            await producer.abort_transaction()


def alerts(settings: Settings) -> list[CascadeAlert]:
    return [decode(CascadeAlert, value) for value in values(settings, settings.topics.cascades)]


def stored(settings: Settings) -> list[tuple[str, int]]:
    with closing(connect(settings)) as client:
        result = client.query("SELECT base, uniqExact(event_id) FROM liquidations GROUP BY base")
    return [(base, count) for base, count in result.result_rows]


def lags(worker: Worker) -> set[str]:
    with urlopen(f"{worker.health_url}/metrics") as answer:
        return {
            line.rpartition(" ")[2]
            for line in answer.read().decode().splitlines()
            if line.startswith("liq_consumer_lag_records{")
        }


def uncommitted(settings: Settings, stage: str, topics: list[str]) -> int:
    """What operators see as the lag of a stage's group."""

    async def ask() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag(stage, topics)

    return asyncio.run(ask())


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("broker", "clickhouse")
def test_aborted_records_are_no_data_and_lag_returns_to_zero(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    workers = [
        run_worker("process", "normalize", settings=settings),
        run_worker("process", "detect", settings=settings),
        run_worker("sink", "clickhouse", settings=settings),
    ]
    asyncio.run(write_transactions(settings))

    def alerted() -> bool:
        asyncio.run(beat(settings))
        return any(alert.type is AlertType.DETECTED for alert in alerts(settings))

    wait_until(alerted, 60)
    events = [decode(Liquidation, each) for each in values(settings, settings.topics.events)]
    assert [event.base for event in events] == [COMMITTED] * FRAMES
    assert {alert.asset for alert in alerts(settings)} == {COMMITTED}
    assert not values(settings, settings.topics.rejected)
    wait_until(lambda: stored(settings) == [(COMMITTED, FRAMES)], 60)
    # What was aborted last brings no record to commit, and still leaves no lag.
    for worker in workers:
        wait_until(lambda worker=worker: lags(worker) == {"0.0"}, 30)
    for stage, read in (
        ("normalize", [settings.topics.raw("bitget")]),
        ("detect", [settings.topics.events, settings.topics.pulse]),
        ("sink-clickhouse", list(tables_by_topic(settings.topics))),
    ):
        wait_until(lambda stage=stage, read=read: uncommitted(settings, stage, read) == 0, 30)

    # State topics and contracts end in aborted records, and now in an open transaction.
    exported = run_offline(settings, "export", settings.topics.raw("bitget"))
    assert exported.returncode == 0, exported.stderr
    assert len(exported.stdout.splitlines()) == FRAMES
    workers[0].stop()
    workers[1].stop()
    asyncio.run(restart_under_an_open_transaction(settings, run_worker))


async def restart_under_an_open_transaction(settings: Settings, run_worker: RunWorker) -> None:
    """Start workers whose topics to read first end in a transaction that is not over."""
    topics = settings.topics
    async with transactional(settings, "open") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topics.instruments, b"{}", key=b"x", partition=0)
        for partition in range(settings.topic_partitions):
            await producer.send_and_wait(
                topics.detector_state, b"x", key=b"9|C1X", partition=partition
            )
        starting = asyncio.to_thread(
            lambda: [
                run_worker("process", stage, settings=settings) for stage in ("normalize", "detect")
            ]
        )
        # `run_worker` returns when they are ready.
        started = await starting
        await asyncio.to_thread(wait_for_take_over, settings, started[1])
        await producer.abort_transaction()


def wait_for_take_over(settings: Settings, worker: Worker) -> None:
    deadline = time.monotonic() + 60
    while "partition_taken_over" not in worker.log:
        assert time.monotonic() < deadline
        asyncio.run(beat(settings))
