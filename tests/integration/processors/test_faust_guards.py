"""What Faust would do if it were let: each test fails without the engine's own setting or check."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock
from urllib.parse import urlsplit
from urllib.request import urlopen

import faust
import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from liq.devstack.broker import EmbeddedBroker
from liq.devstack.supervisor import Supervisor
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.log_identity import LogPosition
from liq.processors.stages.market import MarketStage
from liq.processors.stages.output import Output
from liq.processors.workers import agents
from liq.processors.workers.faust_app import SESSION_TIMEOUT_SECONDS, new_app
from liq.processors.workers.faust_transport import EngineConsumer, EngineTransport
from liq.processors.workers.fetching import FetchedBatch
from liq.processors.workers.worker import StageWorker
from liq.runtime.errors import ConfigurationError
from liq.runtime.health import Health
from liq.runtime.kafka import (
    FETCH_MAX_WAIT_MS,
    LEAST_PARTITION_FETCH_BYTES,
    MAX_REQUEST_BYTES,
    partition_fetch_bytes,
)
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.runtime.topics import describe_topics, ensure_topics
from liq.schemas.codec import encode
from liq.schemas.units import SECOND_MS
from tests.conftest import RunWorker, Worker
from tests.support.pipeline_log import read_topic, run_offline
from tests.support.sample_records import liquidation
from tests.support.sink_flow import send

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

EXCHANGES = ("binance", "okx")
RAW = TP("raw", 0)
LOOPBACK_IN_HEX = "0100007F"
LISTENING = "0A"


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    return make_settings()


@pytest.fixture
async def app(settings: Settings) -> faust.App:
    return new_app(settings, "normalize", merge=True)


def both_apps(settings: Settings) -> tuple[faust.App, faust.App]:
    output = Output(settings, "test")
    normalizing, _ = agents.normalize_app(settings, output, Health(), EXCHANGES)
    detecting, _ = agents.detect_app(settings, output, Health())
    return normalizing, detecting


def listening_addresses(process_id: int) -> set[tuple[str, int]]:
    """Address (hexadecimal, as the kernel writes it) and port of a process's TCP listeners."""
    inodes = set()
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process_id}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTENING and rest[5] in inodes:
                address, _, port = local.partition(":")
                found.add((address, int(port, 16)))
    return found


def metrics_of(worker: Worker) -> str:
    with urlopen(f"{worker.health_url}/metrics") as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("stage", ["normalize", "detect"])
def test_a_worker_listens_on_its_own_port_of_loopback_only(
    stage: str,
    settings: Settings,
    run_worker: RunWorker,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    worker = run_worker("process", stage, settings=settings)
    topics = settings.topics
    topic = topics.raw("binance") if stage == "normalize" else topics.events
    asyncio.run(send(settings, {topic: [b"{}"]}))
    # Faust opens its own port after it has joined the group, and agents begin after that.
    wait_until(lambda: f'liq_records_in_total{{topic="{topic}"}} 1.0' in metrics_of(worker))
    port = urlsplit(worker.health_url).port
    assert listening_addresses(worker.process_id) == {(LOOPBACK_IN_HEX, port)}


async def test_faust_leaves_logging_alone(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    worker = StageWorker(app)
    monkeypatch.setattr(worker, "install_signal_handlers", lambda: None)
    await worker.default_on_first_start()
    try:
        assert (root.level, root.handlers) == (level, handlers)
    finally:
        root.setLevel(level)
        root.handlers = handlers


async def test_no_fetch_is_held_for_longer_than_ours(app: faust.App) -> None:
    thread = cast("EngineConsumer", app.consumer)._new_consumer_thread()
    consumer = thread._create_worker_consumer(cast("EngineTransport", app.transport))
    await consumer.start()
    try:
        assert consumer._fetcher._fetch_max_wait_ms == FETCH_MAX_WAIT_MS
    finally:
        await consumer.stop()


async def test_less_is_fetched_of_a_partition_where_there_are_many(app: faust.App) -> None:
    thread = cast("EngineConsumer", app.consumer)._new_consumer_thread()
    consumer = thread._create_worker_consumer(cast("EngineTransport", app.transport))
    await consumer.start()
    try:
        fetcher = consumer._fetcher
        assert fetcher._max_partition_fetch_bytes == LEAST_PARTITION_FETCH_BYTES
        thread._gate.reach(0)
        thread.logs = None
        nothing = AsyncMock(return_value=FetchedBatch([], {}))
        thread.reader = SimpleNamespace(read=nothing, held=lambda _: 0)
        for count in (12, 100):
            await thread._fetch_records(consumer, {TP("raw", number) for number in range(count)})
            assert fetcher._max_partition_fetch_bytes == partition_fetch_bytes(count)
    finally:
        await consumer.stop()


async def test_offsets_are_acknowledged_in_order_and_nothing_is_kept_in_tables(
    settings: Settings,
) -> None:
    for app in both_apps(settings):
        assert app.agents
        for agent in app.agents.values():
            assert (agent.concurrency, agent.isolated_partitions) == (1, False)
        assert not app.tables
        assert app.conf.processing_guarantee == faust.types.ProcessingGuarantee.AT_LEAST_ONCE
        assert app.conf.broker_session_timeout == SESSION_TIMEOUT_SECONDS
        assert app.conf.consumer_group_instance_id.endswith(settings.worker_slot)


def fetched(app: faust.App, first: int, end: int) -> Any:
    record = SimpleNamespace(
        topic="raw", partition=0, offset=first, timestamp=1, timestamp_type=0, value=b"{}"
    )
    batch = FetchedBatch([record], {RAW: end})
    return cast("EngineConsumer", app.consumer)._message(batch)


async def test_only_a_batch_of_this_generation_may_be_committed(app: faust.App) -> None:
    consumer = cast("EngineConsumer", app.consumer)
    app.consumer_generation_id = 1
    earlier, current = fetched(app, 0, 10), fetched(app, 10, 20)
    assert consumer.ack(earlier)
    assert consumer._filter_committable_offsets([RAW]) == {RAW: 10}
    assert not consumer.ack(earlier)
    app.consumer_generation_id = 2
    assert consumer.ack(current)
    assert consumer._filter_committable_offsets([RAW]) == {RAW: 10}
    consumer._committed_offset[RAW] = 10
    assert consumer._filter_committable_offsets([RAW]) == {}


async def test_what_was_read_before_a_seek_is_not_read_twice(app: faust.App) -> None:
    consumer = cast("EngineConsumer", app.consumer)
    records = [
        SimpleNamespace(topic="raw", partition=partition, offset=offset)
        for partition in (0, 1)
        for offset in range(3)
    ]
    other = TP("raw", 1)
    consumer._read_offset[RAW] = 2
    batch = FetchedBatch(records, {RAW: 3, other: 3})
    (ours,) = consumer._by_topic(batch, {RAW})
    assert ([record.offset for record in ours.records], ours.ends) == ([2], {RAW: 3})
    assert consumer._by_topic(batch, {RAW}) == []


@pytest.mark.parametrize("stage", ["normalize", "detect"])
def test_a_worker_creates_missing_topics_as_specified_before_it_subscribes(
    stage: str, settings: Settings, run_worker: RunWorker
) -> None:
    run_worker("process", stage, settings=settings)
    states = asyncio.run(describe_topics(settings, EXCHANGES))
    assert {state.spec.name: state.differences for state in states} == {
        state.spec.name: () for state in states
    }


def test_a_worker_refuses_topics_with_another_number_of_partitions(
    make_settings: Callable[..., Settings], settings: Settings
) -> None:
    asyncio.run(ensure_topics(make_settings(topic_partitions=2), EXCHANGES))
    for arguments in (("process", "normalize"), ("process", "detect"), ("sink", "clickhouse")):
        refused = run_offline(settings, *arguments)
        assert refused.returncode == 78, refused.stderr
        assert b"has 2, wanted 4" in refused.stderr


def is_stopped(process_id: int) -> bool:
    """Whether every thread of a process has stopped; one that runs takes a moment."""
    states = [
        task.read_text().rpartition(")")[2].split()[0]
        for task in Path(f"/proc/{process_id}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


async def test_a_delivery_ends_with_its_acknowledgement_and_not_before(
    settings: Settings, tmp_path: Path
) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        broker = EmbeddedBroker(supervisor, tmp_path / "broker", 0)
        address = await asyncio.to_thread(broker.start)
        there = settings.model_copy(update={"kafka_bootstrap_servers": address.bootstrap_servers})
        await ensure_topics(there, EXCHANGES)
        output = Output(there, "test")
        await output.on_start()
        record = OutputRecord(there.topics.events, b"BTC", b"{}")
        await output.deliver([record])
        os.kill(supervisor.process_id("kafka"), signal.SIGSTOP)
        while not is_stopped(supervisor.process_id("kafka")):  # noqa: ASYNC110 - nothing says so
            await asyncio.sleep(0)
        delivery = asyncio.create_task(output.deliver([record]))
        await asyncio.wait({delivery}, timeout=1)
        is_done_without_broker = delivery.done()
        os.kill(supervisor.process_id("kafka"), signal.SIGCONT)
        await delivery
        await output.on_stop()
        assert not is_done_without_broker
        log = await asyncio.to_thread(read_topic, there, there.topics.events)
        assert sum(len(records) for records in log.values()) == 2


async def test_a_delivery_that_cannot_be_is_heard_of(settings: Settings) -> None:
    await ensure_topics(settings, EXCHANGES)
    output = Output(settings, "test")
    await output.on_start()
    with pytest.raises(KafkaError):
        await output.deliver(
            [OutputRecord(settings.topics.events, b"BTC", bytes(MAX_REQUEST_BYTES))]
        )
    await output.on_stop()


def messages(values: Iterable[bytes | None], partition: int) -> list[Any]:
    return [
        SimpleNamespace(
            topic="events", partition=partition, offset=offset, value=value, headers=(), timestamp=1
        )
        for offset, value in enumerate(values)
    ]


@dataclass
class KnownGroup:
    """A consumer group that assigns what the test says; nothing was committed yet."""

    ours: set[int]

    def assigned(self) -> set[int]:
        return self.ours

    async def committed_notes(self, _partitions: Collection[int]) -> dict[int, str]:
        return {}

    async def positions(self, _partitions: Collection[int]) -> dict[int, LogPosition]:
        return {}


async def test_records_of_a_partition_that_was_taken_away_change_nothing(
    settings: Settings,
) -> None:
    await ensure_topics(settings, EXCHANGES)
    ours: set[int] = set()
    output = Output(settings, "test")
    await output.on_start()
    group = KnownGroup(ours)
    detect = DetectStage(settings, output, group)
    market = MarketStage(settings, output, group)
    events = [liquidation(number) for number in range(50)]
    batch = messages(map(encode, events), 0)
    reached_ms = events[-1].received_at_ms // SECOND_MS * SECOND_MS

    async def written() -> int:
        topics = settings.topics
        logs = [
            await asyncio.to_thread(read_topic, settings, topic)
            for topic in (topics.pulse, topics.detector_state, topics.market_state, topics.rejected)
        ]
        return sum(len(records) for log in logs for records in log.values())

    await (await detect.handle(batch))
    await (await market.handle(batch))
    assert await written() == 0
    ours.add(0)
    assert await (await detect.handle(batch)) == {0: f"clock_ms={reached_ms}"}
    before = await written()
    assert before > 0
    lost = await detect.handle(batch)
    ours.clear()
    detect.release()
    assert await lost is None
    await (await detect.handle(batch))
    assert await written() == before
    await output.on_stop()


async def test_another_faust_is_refused_at_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(
        "faust.transport.drivers.aiokafka.AIOKafkaConsumerThread._create_worker_consumer"
    )
    with pytest.raises(ConfigurationError, match="install the pinned version"):
        new_app(settings, "normalize", merge=True)
