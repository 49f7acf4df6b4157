"""`liq topics grow` under load: nothing is lost, no alert changes, whoever is killed meanwhile."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from aiokafka.admin import NewPartitions

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.progress import PipelineProgress
from liq.processors.stages.growth import owner_of
from liq.runtime.group_members import members_of
from liq.runtime.kafka import new_admin
from liq.runtime.layout import Layout, Phase, read_layout
from liq.runtime.settings import Settings
from liq.runtime.topics import describe_topics, ensure_topics
from liq.schemas.codec import decode
from liq.schemas.records import CascadeAlert, FeedStatus, Liquidation
from liq.schemas.vocabulary import AlertType, FeedEvent
from tests.conftest import MakeSettings, RunWorker, Worker
from tests.faults.verdict import normalized
from tests.support.pipeline_log import (
    by_id,
    offline_alerts,
    read_topic,
    run_offline,
    values,
)
from tests.support.raw_traffic import EXCHANGE, RawTraffic

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("broker"),
]

WaitUntil = Callable[[Callable[[], bool]], None]

BEFORE, AFTER = 4, 12
ASSETS = tuple(f"C{number}X" for number in range(10))


@pytest.fixture
def settings(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, chosen_broker: Broker
) -> Settings:
    if not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("needs the pace and the group protocol of real brokers: set KAFKA=apache")
    monkeypatch.setenv("EXCHANGES", EXCHANGE)
    made = make_settings(topic_partitions=BEFORE)
    asyncio.run(ensure_topics(made, (EXCHANGE,)))
    return made


@pytest.fixture
def traffic(settings: Settings) -> Iterator[RawTraffic]:
    made = RawTraffic(settings, ASSETS)
    yield made
    made.stop()


@pytest.fixture
def start(settings: Settings, run_worker: RunWorker) -> Callable[..., Worker]:
    """Start a worker that processes, under a slot of its own."""

    def run(stage: str, slot: str) -> Worker:
        environment = {"WORKER_SLOT": slot}
        return run_worker("process", stage, settings=settings, environment=environment)

    return run


def layout(settings: Settings) -> Layout | None:
    return asyncio.run(read_layout(settings)).layout


def is_grown(settings: Settings, partitions: int = AFTER) -> bool:
    found = layout(settings)
    return found is not None and (found.phase, found.partitions) == (Phase.STABLE, partitions)


def opened(settings: Settings) -> set[str]:
    """The assets with a cascade that was detected."""
    alerts = [decode(CascadeAlert, value) for value in values(settings, settings.topics.cascades)]
    return {alert.asset for alert in alerts if alert.type is AlertType.DETECTED}


def feed_events(settings: Settings) -> dict[FeedEvent, FeedStatus]:
    records = [decode(FeedStatus, value) for value in values(settings, settings.topics.feeds)]
    return {record.event: record for record in records}


def lag(settings: Settings) -> int:
    async def ask() -> int:
        topics = settings.topics
        async with PipelineProgress(settings) as progress:
            return await progress.lag("normalize", [topics.raw(EXCHANGE)]) + await progress.lag(
                "detect", [topics.events, topics.pulse]
            )

    return asyncio.run(ask())


def expect_the_truth(settings: Settings) -> None:
    """Events are those of the raw log, and alerts those of the events, once the pipeline rests."""
    topics = settings.topics
    frames = run_offline(settings, "export", topics.raw(EXCHANGE)).stdout
    expected, rejections = normalized(settings, frames)
    assert not rejections
    found = [decode(Liquidation, value) for value in values(settings, topics.events)]
    assert {event.event_id for event in found} == {event["event_id"] for event in expected}
    alerts = by_id(values(settings, topics.cascades), "alert_id")
    assert alerts == by_id(offline_alerts(settings), "alert_id")
    assert values(settings, topics.rejected) == []


def spread(settings: Settings) -> set[int]:
    """The partitions in which events lie where the new number of partitions puts them."""
    return {
        partition
        for partition, records in read_topic(settings, settings.topics.events).items()
        for record in records
        if record.value is not None
        and owner_of(decode(Liquidation, record.value).base, AFTER) == partition
    }


def grow(run_worker: RunWorker, settings: Settings, to: int = AFTER) -> Worker:
    return run_worker("topics", "grow", "--to", str(to), settings=settings, is_task=True)


def crossing(settings: Settings) -> set[str]:
    """The assets with a cascade that began before growing, goes on after it, and has moved."""
    told = feed_events(settings)
    if FeedEvent.GROWN not in told:
        return set()
    alerts = [decode(CascadeAlert, value) for value in values(settings, settings.topics.cascades)]
    return {
        alert.asset
        for alert in alerts
        if alert.timestamp_ms > told[FeedEvent.GROWN].timestamp_ms
        and alert.started_at_ms < (told[FeedEvent.GROWING].from_ms or 0)
        and owner_of(alert.asset, BEFORE) != owner_of(alert.asset, AFTER)
    }


def test_growing_under_load_changes_nothing(
    settings: Settings,
    run_worker: RunWorker,
    start: Callable[..., Worker],
    traffic: RawTraffic,
    wait_until: WaitUntil,
) -> None:
    """The fault suite does the same while it kills who takes part."""
    for slot in "ab":
        start("normalize", slot)
        start("detect", slot)
    traffic.start()
    wait_until(lambda: opened(settings) >= set(ASSETS))
    command = grow(run_worker, settings)
    assert command.wait() == 0, command.log
    wait_until(lambda: is_grown(settings))
    # An open cascade is told again every 15 s of the log.
    wait_until(lambda: bool(crossing(settings)))
    traffic.stop()
    wait_until(lambda: lag(settings) == 0)
    expect_the_truth(settings)
    assert spread(settings) == {owner_of(asset, AFTER) for asset in ASSETS}


def test_a_worker_of_before_starts_with_its_old_setting(
    settings: Settings,
    run_worker: RunWorker,
    start: Callable[..., Worker],
    traffic: RawTraffic,
    wait_until: WaitUntil,
) -> None:
    """Growing asks for no change of a setting; growing twice works."""
    start("normalize", "a")
    detector = start("detect", "a")
    traffic.start()
    wait_until(lambda: bool(opened(settings)))
    for count in (5, AFTER):
        assert grow(run_worker, settings, count).wait() == 0
        assert detector.stop() == 0
        detector = start("detect", "a")
    count = traffic.count
    wait_until(lambda: traffic.count > count + 100)
    traffic.stop()
    wait_until(lambda: lag(settings) == 0)
    expect_the_truth(settings)
    states = {each.spec.name: each for each in asyncio.run(describe_topics(settings, (EXCHANGE,)))}
    assert states[settings.topics.events].partitions == AFTER
    assert states[settings.topics.detector_state].partitions == AFTER
    assert states[settings.topics.cascades].partitions == BEFORE
    assert [each.differences for each in states.values()] == [()] * len(states)


def test_what_cannot_be_grown_is_refused_and_changes_nothing(
    settings: Settings, run_worker: RunWorker, start: Callable[..., Worker], wait_until: WaitUntil
) -> None:
    fewer = grow(run_worker, settings, BEFORE - 1)
    assert fewer.wait() == 78
    assert f"has {BEFORE} partitions, and Kafka takes none away" in fewer.log
    alone = grow(run_worker, settings)
    assert alone.wait() == 78
    assert "No worker detects" in alone.log
    same = grow(run_worker, settings, BEFORE)
    assert same.wait() == 0
    assert f"has {BEFORE} partitions already" in same.log
    worker = start("detect", "a")
    wait_until(lambda: bool(asyncio.run(members_of(settings, settings.group("detect")))))
    os.kill(worker.process_id, signal.SIGSTOP)
    try:
        frozen = grow(run_worker, settings)
        assert frozen.wait() == 69, frozen.log
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker.process_id, signal.SIGCONT)
    assert "no answer from a worker that detects" in frozen.log
    states = {each.spec.name: each for each in asyncio.run(describe_topics(settings, (EXCHANGE,)))}
    assert states[settings.topics.events].partitions == BEFORE


async def add_by_hand(settings: Settings, count: int) -> None:
    admin = new_admin(settings, "operator")
    await admin.start()
    try:
        await admin.create_partitions({settings.topics.events: NewPartitions(count)})
    finally:
        await admin.close()


def test_partitions_that_were_added_by_hand_are_found_at_the_start(
    settings: Settings, run_worker: RunWorker
) -> None:
    asyncio.run(add_by_hand(settings, AFTER))
    worker = run_worker("process", "detect", settings=settings, is_task=True)
    assert worker.wait() == 78
    assert f"{settings.topics.events} has {AFTER}, wanted {BEFORE}" in worker.log
