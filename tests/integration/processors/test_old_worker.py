"""A worker of an older release and ours: none of its alerts is lost, no cascade stays open."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.progress import PipelineProgress
from liq.devstack.supervisor import Supervisor
from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.early_end import open_cascades
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode, encode
from liq.schemas.headers import CASCADE, RECORD, text_header
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import HOUR_MS, SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat
from tests.conftest import RunWorker, Worker
from tests.golden.test_cascades import GOLDEN, events_of
from tests.support.log_clock import publish
from tests.support.old_release import start_old_detector, unpack_old_release
from tests.support.pipeline_log import read_topic, values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

QUIET_MS = 200_000
CHUNK = 50
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    asyncio.run(ensure_topics(made, ()))
    return made


@pytest.fixture
def start_old(tmp_path: Path, settings: Settings) -> Iterator[tuple[Supervisor, str]]:
    """A detecting worker of the older release, and its supervisor."""
    rooms = unpack_old_release(tmp_path / "old")
    with Supervisor(tmp_path / "old-logs") as supervisor:
        yield supervisor, start_old_detector(supervisor, rooms, settings, "old")
        supervisor.stop(*supervisor.names)


def is_read(settings: Settings) -> bool:
    async def lag() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag("detect", [settings.topics.events, settings.topics.pulse])

    return asyncio.run(lag()) == 0


def has_partitions(settings: Settings, worker: Worker) -> bool:
    """Whether a worker has taken partitions over; heartbeats that move no clock ask for it."""
    asyncio.run(publish(settings, [], SECOND_MS))
    return "taken_over" in worker.log


def published(settings: Settings) -> dict[str, CascadeAlert]:
    """The alerts by id; of several under one id, the first."""
    alerts: dict[str, CascadeAlert] = {}
    for value in values(settings, settings.topics.cascades):
        alert = decode(CascadeAlert, value)
        alerts.setdefault(alert.alert_id, alert)
    return alerts


def decided(settings: Settings) -> dict[str, CascadeAlert]:
    """The alerts of assets that detectors have written to the pulse topic, by id."""
    records = [each for log in read_topic(settings, settings.topics.pulse).values() for each in log]
    alerts = [
        decode(CascadeAlert, record.value)
        for record in records
        if record.value is not None and text_header(record.headers, RECORD) == CASCADE
    ]
    return {alert.alert_id: alert for alert in alerts}


async def publish_without_clock(settings: Settings, events: Sequence[Liquidation]) -> None:
    """Publish events and no heartbeat: partitions without any hold the market up."""
    producer = new_producer(settings, "test")
    await producer.start()
    for event in events:
        await producer.send(settings.topics.events, encode(event), key=event.base.encode())
    await producer.flush()
    await producer.stop()


def later(events: Sequence[Liquidation], by_ms: int) -> list[Liquidation]:
    """The same liquidations at a later time."""
    return [
        replace(
            event,
            event_id=f"{event.event_id}+{by_ms}",
            timestamp_ms=event.timestamp_ms + by_ms,
            received_at_ms=event.received_at_ms + by_ms,
        )
        for event in events
    ]


@pytest.mark.slow
def test_alerts_that_an_older_worker_has_not_published_are_published_and_ended(
    settings: Settings,
    start_old: tuple[Supervisor, str],
    run_worker: RunWorker,
    wait_until: WaitUntil,
    chosen_broker: Broker,
) -> None:
    supervisor, old = start_old
    events = events_of(next(iter(GOLDEN)))
    busiest = max({event.base for event in events}, key=[event.base for event in events].count)
    # The market waits for the partitions of which nothing has come.
    alone = [event for event in events if event.base == busiest]
    for begin in range(0, len(alone), CHUNK):
        asyncio.run(publish_without_clock(settings, alone[begin : begin + CHUNK]))
        wait_until(lambda: is_read(settings))
        if open_cascades(decided(settings).values(), until_ms=None):
            break
    waiting = decided(settings).keys()
    assert waiting
    assert published(settings) == {}
    if isinstance(chosen_broker, ApacheKafka):
        # The embedded broker may give no partition to whoever takes a member's place beside others.
        new = run_worker("process", "detect", settings=settings, environment={"WORKER_SLOT": "new"})
        wait_until(lambda: has_partitions(settings, new))
    assert supervisor.stop(old)[old] == 0
    # In its place, as when a container is replaced.
    run_worker("process", "detect", settings=settings, environment={"WORKER_SLOT": "old"})
    wait_until(lambda: waiting <= published(settings).keys())
    afterwards = later(events, HOUR_MS)
    asyncio.run(publish(settings, afterwards, afterwards[-1].received_at_ms + QUIET_MS))
    wait_until(lambda: is_read(settings))
    alerts = published(settings)
    assert decided(settings).keys() <= alerts.keys()
    ours = DetectorConfig().identity
    told = {alert.cascade_id: alert.detector for alert in alerts.values()}
    assert {ours} < set(told.values())
    ended = {each.cascade_id for each in alerts.values() if each.type is AlertType.ENDED}
    assert {name for name, detector in told.items() if detector != ours} <= ended
    assert Caveat.DETECTOR_CHANGED in {each.caveat for each in alerts.values()}
    assert values(settings, settings.topics.rejected) == []
