"""A thread that writes frames into a raw topic at a steady rate, like a producer."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from liq.runtime.settings import Settings
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, FrameHeaders
from liq.schemas.units import MILLISECOND_NS
from tests.faults.traffic import bitget_frame
from tests.support.traffic_thread import TrafficThread

EXCHANGE = "bitget"
TICK_SECONDS = 0.05
HEARTBEAT_SECONDS = 1.0
#: Heartbeats after the last frame, which give every partition the same clock.
LAST_HEARTBEATS = 3


class RawTraffic(TrafficThread):
    """Traffic with repeated liquidations of some assets, so that their cascades stay open."""

    def __init__(self, settings: Settings, assets: Sequence[str]) -> None:
        super().__init__(settings)
        self._assets = assets
        self.count = 0

    async def _publish_until_stopped(self, producer: AIOKafkaProducer) -> None:
        """Send frames, then some heartbeats."""
        beat_at = 0.0
        while not self._stop.is_set():
            for asset in self._assets:
                now_ms = time.time_ns() // MILLISECOND_NS
                frame = bitget_frame(self.count, asset, now_ms).encode()
                await self._send(producer, "liquidation", frame, asset.encode())
                self.count += 1
            if time.monotonic() - beat_at >= HEARTBEAT_SECONDS:
                beat_at = time.monotonic()
                await self._send(producer, HEARTBEAT_FEED, None, HEARTBEAT_KEY)
            await asyncio.sleep(TICK_SECONDS)
        for _ in range(LAST_HEARTBEATS):
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._send(producer, HEARTBEAT_FEED, None, HEARTBEAT_KEY)

    async def _send(
        self, producer: AIOKafkaProducer, feed: str, value: bytes | None, key: bytes
    ) -> None:
        headers = FrameHeaders(EXCHANGE, feed, time.time_ns(), "traffic", self.count).encode()
        topic = self._settings.topics.raw(EXCHANGE)
        await producer.send_and_wait(topic, value, key=key, headers=headers)
