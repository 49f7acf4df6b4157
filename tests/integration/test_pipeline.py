"""The worker processes over a real broker, against the offline tools on the same log."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import orjson
import pytest

from liq.devstack.progress import PipelineProgress
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.cloud_events import alert_headers, liquidation_headers
from liq.schemas.codec import decode
from liq.schemas.headers import CLOCK_MS, FrameHeaders
from liq.schemas.records import CascadeAlert, Liquidation
from tests.conftest import RunWorker
from tests.support.paths import CAPTURES
from tests.support.pipeline_log import by_id, offline_alerts, read_topic, run_offline, values

pytestmark = pytest.mark.integration

JULY_2026 = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
JULY_2025 = CAPTURES / "2025-07-18_binance.jsonl.gz"
EXCHANGES = ("binance", "bybit", "okx")
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    made = make_settings()
    asyncio.run(ensure_topics(made, EXCHANGES))
    return made


def is_handled(settings: Settings) -> bool:
    async def ask() -> bool:
        async with PipelineProgress(settings) as progress:
            raw = [settings.topics.raw(exchange) for exchange in EXCHANGES]
            return (
                await progress.held(raw) > 0
                and await progress.lag("normalize", raw) == 0
                and await progress.lag("detect", [settings.topics.events, settings.topics.pulse])
                == 0
            )

    return asyncio.run(ask())


def no_lag(health_url: str) -> bool:
    with urlopen(f"{health_url}/metrics") as answer:
        lags = [
            line.rpartition(" ")[2]
            for line in answer.read().decode().splitlines()
            if line.startswith("liq_consumer_lag_records{")
        ]
    return bool(lags) and set(lags) == {"0.0"}


def replay(settings: Settings, capture: Path) -> None:
    played = run_offline(settings, "replay", str(capture))
    assert played.returncode == 0, played.stderr


@pytest.mark.parametrize(
    ("capture", "event_count", "large_count", "least_alerts"),
    [(JULY_2026, 4_765, 86, 60), (JULY_2025, 790, 0, 10)],
)
@pytest.mark.usefixtures("broker")
def test_workers_and_offline_tools_give_the_same_bytes(  # noqa: PLR0913, PLR0917 - four figures
    settings: Settings,
    run_worker: RunWorker,
    wait_until: WaitUntil,
    capture: Path,
    event_count: int,
    large_count: int,
    least_alerts: int,
) -> None:
    run_worker("process", "normalize", settings=settings)
    run_worker("process", "detect", settings=settings)
    replay(settings, capture)
    wait_until(lambda: is_handled(settings))

    events = values(settings, settings.topics.events)
    assert len(events) == event_count
    offline: list[bytes] = []
    for exchange in EXCHANGES:
        frames = run_offline(settings, "export", settings.topics.raw(exchange))
        assert frames.returncode == 0
        normalized = run_offline(settings, "normalize", data=frames.stdout)
        assert normalized.returncode == 0
        assert normalized.stderr == b""
        offline.extend(normalized.stdout.splitlines())
    assert sorted(events) == sorted(offline)

    alerts = values(settings, settings.topics.cascades)
    assert len(alerts) > least_alerts
    assert sorted(alerts) == sorted(offline_alerts(settings))
    assert len(by_id(alerts, "alert_id")) == len(alerts)

    large = values(settings, settings.topics.large)
    assert sorted(large) == sorted(
        event for event in events if orjson.loads(event)["is_institutional"]
    )
    assert len(large) == large_count
    assert_headers_of_the_records(settings)


def assert_headers_of_the_records(settings: Settings) -> None:
    """Every record with a value on a public topic is a CloudEvent, heartbeats are none."""
    topics = settings.topics
    for topic in (topics.events, topics.large, topics.cascades, topics.watch):
        for records in read_topic(settings, topic).values():
            for record in records:
                if record.value is None:
                    assert [name for name, _ in record.headers] == [CLOCK_MS]
                elif topic in {topics.events, topics.large}:
                    event = decode(Liquidation, record.value)
                    assert list(record.headers) == liquidation_headers(event)
                else:
                    alert = decode(CascadeAlert, record.value)
                    assert list(record.headers) == alert_headers(alert)


@pytest.mark.usefixtures("broker")
@pytest.mark.slow
def test_events_of_an_asset_are_in_order_of_receipt_even_when_normalized_later(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    replay(settings, JULY_2026)
    run_worker("process", "normalize", settings=settings)
    run_worker("process", "detect", settings=settings)
    wait_until(lambda: is_handled(settings))
    for records in read_topic(settings, settings.topics.events).values():
        received = [
            orjson.loads(record.value)["received_at_ms"]
            for record in records
            if record.value is not None
        ]
        assert received == sorted(received)


@pytest.mark.usefixtures("broker")
@pytest.mark.slow
def test_a_clean_stop_exits_with_0_and_repeats_nothing(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    normalizer = run_worker("process", "normalize", settings=settings)
    detector = run_worker("process", "detect", settings=settings)
    playing = run_worker("replay", str(JULY_2026), settings=settings, is_task=True)
    wait_until(lambda: len(values(settings, settings.topics.events)) > 500)
    assert normalizer.stop() == 0
    assert detector.stop() == 0
    assert playing.wait() == 0
    run_worker("process", "normalize", settings=settings)
    run_worker("process", "detect", settings=settings)
    wait_until(lambda: is_handled(settings))

    events = values(settings, settings.topics.events)
    assert len(events) == len(by_id(events, "event_id")) == 4_765
    alerts = values(settings, settings.topics.cascades)
    assert sorted(alerts) == sorted(offline_alerts(settings))


@pytest.mark.usefixtures("broker")
def test_bad_frames_become_rejections_and_the_stream_goes_on(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    bad = [
        b"",
        b"\xff\xfe not json",
        b"[" * 100_000,
        (
            b'{"e":"forceOrder","E":1784000000000,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",'
            b'"q":"1","p":"1","ap":"1","X":"FILLED","l":"1","z":"NaN","T":1784000000000}}'
        ),
        b'{"e":"neverHeardOf"}',
    ]
    headers = FrameHeaders("binance", "usdm", 1_784_000_000_000_000_000, "test", 0).encode()

    async def publish() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for frame in bad:
            await producer.send_and_wait(
                settings.topics.raw("binance"), frame, key=b"BTCUSDT", headers=headers
            )
        await producer.stop()

    asyncio.run(publish())
    replay(settings, JULY_2025)
    worker = run_worker("process", "normalize", settings=settings)
    run_worker("process", "detect", settings=settings)
    wait_until(lambda: is_handled(settings))

    rejected = [orjson.loads(value) for value in values(settings, settings.topics.rejected)]
    assert [record["reason"] for record in rejected] == [
        "not_json",
        "not_json",
        "not_json",
        "invalid_number",
        "unknown_message",
    ]
    assert all(record["source"]["topic"] == settings.topics.raw("binance") for record in rejected)
    assert len(values(settings, settings.topics.events)) == 790

    with urlopen(f"{worker.health_url}/metrics") as answer:
        metrics = answer.read().decode()
    assert 'liq_rejected_total{exchange="binance",reason="not_json"} 3.0' in metrics
    assert 'liq_events_total{exchange="binance",side="LONG"} 629.0' in metrics
    assert 'liq_frames_normalized_total{exchange="binance"} 795.0' in metrics
    wait_until(lambda: no_lag(worker.health_url))
    with urlopen(f"{worker.health_url}/healthz") as answer:
        assert orjson.loads(answer.read())["ready"] is True


@pytest.mark.usefixtures("broker")
def test_a_wrong_setting_fails_at_start_with_a_sentence(settings: Settings) -> None:
    environment = settings.model_copy(update={"exchanges": ("nowhere",)})
    failed: subprocess.CompletedProcess[bytes] = run_offline(environment, "process", "normalize")
    assert failed.returncode == 78
    assert b"EXCHANGES names nowhere; known are" in failed.stderr
