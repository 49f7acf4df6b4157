"""`liq quality`: the frames of the raw topic, compared as those of captures are."""

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from liq.cli.quality import Comparison, RawFrame, frames_of_topic
from liq.processors.normalizers import NormalizerConfig
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import HEARTBEAT_KEY, FrameHeaders, heartbeat_headers
from tests.support.sensor_trades import Trade, account, user_fills

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


async def publish(settings: Settings, frames: list[RawFrame]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    topic = settings.topics.raw("hyperliquid")
    for number, frame in enumerate(frames):
        headers = FrameHeaders(
            "hyperliquid", frame.feed, frame.received_ms * 1_000_000, "test", number
        ).encode()
        await producer.send(topic, frame.value, key=b"%d" % number, headers=headers)
    await producer.send(topic, None, key=HEARTBEAT_KEY, headers=heartbeat_headers(1))
    await producer.stop()


async def read(settings: Settings, from_ms: int) -> list[RawFrame]:
    return [frame async for frame in frames_of_topic(settings, "hyperliquid", from_ms)]


def test_the_raw_topic_gives_the_same_frames(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    asyncio.run(ensure_topics(settings, ("hyperliquid",)))
    now_ms = int(time.time() * 1_000)
    hit = Trade(1, "BTC", 1, 5, "A", 7)
    missed = Trade(2, "BTC", 2, 6, "A", 8)
    fills = [{**hit.fill(of_taker=False), "time": now_ms - 30_000}]
    node = [
        json.dumps(
            [account(each.taker), {**each.fill(of_taker=True), "time": now_ms - 30_000}]
        ).encode()
        for each in (hit, missed)
    ]
    frames = [
        *(RawFrame(feed, now_ms - 60_000, b"{}") for feed in ("nodeFills", "userFills")),
        *(RawFrame("nodeFills", now_ms - 29_900, line) for line in node),
        RawFrame("userFills", now_ms - 29_700, user_fills(5, fills)),
        *(RawFrame(feed, now_ms, b"{}") for feed in ("nodeFills", "userFills")),
    ]
    asyncio.run(publish(settings, frames))
    found = asyncio.run(read(settings, now_ms - 3_600_000))
    assert sorted(found) == sorted(frames)
    comparison = Comparison(NormalizerConfig(Decimal(100_000), Decimal(100)))
    for frame in found:
        comparison.add(*frame)
    quality = comparison.quality((0, 1))
    assert quality is not None
    assert [row.events for row in quality.rows] == [0.0, 0.5]
    assert (quality.public_delay.p50_ms, quality.complete_delay.p50_ms) == (300, 100)
