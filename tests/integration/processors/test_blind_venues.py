"""What producers say of their feeds stands in the alerts, live and offline alike."""

import asyncio
from collections.abc import Callable, Iterator

import orjson
import pytest

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.progress import PipelineProgress
from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.partitions import committed_offsets, find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import (
    EVERY_FEED,
    HEARTBEAT_FEED,
    HEARTBEAT_KEY,
    FrameHeaders,
    blind_header,
)
from liq.schemas.units import MILLISECOND_NS
from tests.conftest import RunWorker
from tests.support.cascade_events import START_MS
from tests.support.pipeline_log import by_id, offline_alerts, read_topic, values
from tests.support.topic_operations import reset_offsets

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

SECONDS = range(-10, 300)
BURST = range(40)
#: After an operator has moved the detector's offsets.
LATER = range(300, 500)
LATER_BURST = range(300, 340)
ASSETS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LTC", "BNB", "LINK", "AVAX")

RawRecord = tuple[str, bytes, bytes | None, FrameHeaders]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", "bybit,okx")
    made = make_settings()
    asyncio.run(ensure_topics(made, ("bybit", "okx")))
    return made


def raw_records(seconds: range, burst: range) -> Iterator[RawRecord]:
    """Two producers a second; Bybit's brings a crash of longs, OKX's is not connected."""
    for second in seconds:
        at_ms = START_MS + second * 1_000
        for exchange, blind in (("bybit", ()), ("okx", (EVERY_FEED,))):
            headers = FrameHeaders(
                exchange, HEARTBEAT_FEED, at_ms * MILLISECOND_NS, "a", second + 10, blind=blind
            )
            yield exchange, HEARTBEAT_KEY, None, headers
        for place, asset in enumerate(ASSETS if second in burst else ()):
            event_ms = at_ms + 100 + place
            symbol = f"{asset}USDT"
            row = {"T": event_ms, "s": symbol, "S": "Buy", "v": "30000", "p": "1"}
            frame = {"topic": f"allLiquidation.{symbol}", "data": [row]}
            received_ns = (event_ms + 50) * MILLISECOND_NS
            headers = FrameHeaders("bybit", "linear", received_ns, "a:1", second * 10 + place)
            yield "bybit", symbol.encode(), orjson.dumps(frame), headers


async def publish(settings: Settings, seconds: range, burst: range) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    for exchange, key, value, headers in raw_records(seconds, burst):
        topic = settings.topics.raw(exchange)
        await producer.send(topic, value, key=key, headers=headers.encode())
    await producer.stop()


def lag(settings: Settings, stage: str, *topics: str) -> int:
    async def found() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag(stage, list(topics))

    return asyncio.run(found())


@pytest.mark.slow
def test_alerts_name_the_venue_whose_producer_is_not_connected(
    settings: Settings,
    run_worker: RunWorker,
    wait_until: Callable[[Callable[[], bool]], None],
    chosen_broker: Broker,
) -> None:
    asyncio.run(publish(settings, SECONDS, BURST))
    topics = settings.topics
    run_worker("process", "normalize", settings=settings)
    wait_until(lambda: lag(settings, "normalize", topics.raw("bybit"), topics.raw("okx")) == 0)
    for records in read_topic(settings, topics.events).values():
        heartbeats = [blind_header(each.headers) for each in records if each.value is None]
        assert len(heartbeats) == len(SECONDS)
        # The merge may put Bybit's first heartbeat before OKX's.
        assert set(heartbeats[1:]) == {("okx",)}
    worker = run_worker("process", "detect", settings=settings)
    before = detected(settings, wait_until)
    if not isinstance(chosen_broker, ApacheKafka):
        return  # the embedded one takes a group that workers have left for one in use
    worker.stop()
    # What was committed with the offsets is gone.
    asyncio.run(recommit(settings))
    worker = run_worker("process", "detect", settings=settings)
    asyncio.run(publish(settings, LATER, LATER_BURST))
    wait_until(lambda: lag(settings, "normalize", topics.raw("bybit"), topics.raw("okx")) == 0)
    assert len(detected(settings, wait_until)) > len(before)
    assert "venues_relearned" in worker.log


def detected(
    settings: Settings, wait_until: Callable[[Callable[[], bool]], None]
) -> dict[str, bytes]:
    """Return the published alerts once the detector has read everything."""
    topics = settings.topics
    wait_until(lambda: lag(settings, "detect", topics.events, topics.pulse) == 0)
    published = by_id(values(settings, topics.cascades), "alert_id")
    alerts = [orjson.loads(value) for value in published.values()]
    assert {alert["scope"] for alert in alerts} == {"asset", "market"}
    assert {tuple(alert["blind"]) for alert in alerts} == {("okx",)}
    assert by_id(offline_alerts(settings), "alert_id") == published
    return published


async def recommit(settings: Settings) -> None:
    """Set the detector's offsets to where they are, as operators do: without a note."""
    places = await find_partitions(settings, [settings.topics.events, settings.topics.pulse])
    admin = new_admin(settings, "operator")
    await admin.start()
    committed = await committed_offsets(admin, settings.group("detect"))
    await admin.close()
    await reset_offsets(settings, "detect", {place: committed[place] for place in places})
