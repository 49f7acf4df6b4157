"""`liq export --as-detected`: what `liq detect` says of it is on the topic, also after crashes."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Sequence

import orjson
import pytest

from liq.devstack.progress import PipelineProgress
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_KEY, heartbeat_headers
from liq.schemas.records import Liquidation
from tests.conftest import RunWorker
from tests.golden.test_cascades import GOLDEN, events_of
from tests.support.pipeline_log import by_id, offline_alerts, read_topic, run_offline, values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

QUIET_MS = 200_000
DISORDER_MS = 20_000


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    asyncio.run(ensure_topics(made, ()))
    return made


def disordered(events: Sequence[Liquidation]) -> list[Liquidation]:
    """The events up to twenty seconds out of place, and every seventh once more, much later."""
    chance = random.Random(20_260_710)  # noqa: S311 - no secrets
    placed = [(each.received_at_ms + chance.randrange(DISORDER_MS), each) for each in events]
    placed += [(at_ms + chance.randrange(100_000), each) for at_ms, each in placed[::7]]
    return [event for _, event in sorted(placed, key=lambda entry: entry[0])]


async def publish(settings: Settings, events: Sequence[Liquidation]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    topic = settings.topics.events
    partitions = await producer.partitions_for(topic)
    for number, event in enumerate(events):
        await producer.send(topic, encode(event), key=event.base.encode())
        if number % 100 == 0:
            await producer.send(topic, b"foreign", key=event.base.encode())
    await producer.flush()
    until_ms = max(event.received_at_ms for event in events) + QUIET_MS
    for partition in partitions:
        headers = heartbeat_headers(until_ms)
        await producer.send_and_wait(topic, None, HEARTBEAT_KEY, partition, headers=headers)
    await producer.stop()


def is_detected(settings: Settings) -> bool:
    async def lag() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag("detect", [settings.topics.events, settings.topics.pulse])

    return asyncio.run(lag()) == 0


@pytest.mark.slow
def test_the_export_of_a_disordered_log_gives_the_alerts_of_killed_workers(
    settings: Settings,
    run_worker: RunWorker,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    asyncio.run(publish(settings, disordered(events_of(next(iter(GOLDEN))))))
    victim = run_worker("process", "detect", settings=settings)
    wait_until(lambda: bool(values(settings, settings.topics.cascades)))
    os.kill(victim.process_id, signal.SIGKILL)
    victim.expect_end()
    run_worker("process", "detect", settings=settings)
    wait_until(lambda: is_detected(settings))
    expected = by_id(offline_alerts(settings), "alert_id")
    assert by_id(values(settings, settings.topics.cascades), "alert_id") == expected != {}
    unordered = run_offline(settings, "export", settings.topics.events)
    sorted_by_receipt = run_offline(settings, "detect", "--unordered", data=unordered.stdout)
    assert by_id(sorted_by_receipt.stdout.splitlines(), "alert_id") != expected


def test_a_range_is_exported_between_offsets_and_between_times(settings: Settings) -> None:
    asyncio.run(publish(settings, events_of(next(iter(GOLDEN)))[:300]))
    topic = settings.topics.events
    log = read_topic(settings, topic)
    number = max(log, key=lambda partition: len(log[partition]))
    records = log[number]
    only = (topic, "--partition", str(number))

    def exported(*options: str) -> list[bytes]:
        told = run_offline(settings, "export", *only, *options)
        assert told.returncode == 0, told.stderr
        return told.stdout.splitlines()

    middle = exported("--from-offsets", f"{number}:3", "--to-offsets", f"{number}:7")
    assert middle == [record.value for record in records[3:7]]
    at_ms = records[5].timestamp
    first = next(place for place, record in enumerate(records) if record.timestamp >= at_ms)
    assert exported("--to-ms", str(at_ms)) == [record.value for record in records[:first]]
    since = exported("--as-detected", "--from-ms", str(at_ms))
    wanted = [record for record in records[first:] if record.value != b"foreign"]
    assert orjson.loads(since.pop(0)) == {"clock_ms": 0, "partitions": [number]}
    assert len(since) == len(wanted)
    assert orjson.loads(since[-1]).keys() == {"clock_ms", "partition"}
    assert exported("--from-ms", str(records[-1].timestamp + 3_600_000)) == []
    assert exported("--since", "2020-01-01", "--until", "2099-01-01T12:00") == exported()
    assert exported("--until", "2020-01-01") == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("cascades", "--as-detected"), "detection reads"),
        (("events", "--from-offsets", "0-3"), "is not PARTITION:OFFSET"),
        (("events", "--from-offsets", "99:3"), "partition 99 is not among"),
        (("raw.okx", "--archive", "--to-ms", "3"), "exported as a whole"),
    ],
)
def test_a_senseless_export_is_refused(
    settings: Settings, arguments: tuple[str, ...], reason: str
) -> None:
    topic, *options = arguments
    told = run_offline(settings, "export", f"{settings.topics.namespace}.{topic}", *options)
    assert told.returncode == 2
    assert reason in " ".join(told.stderr.decode().replace("│", " ").split())
