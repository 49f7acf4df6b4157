"""Records that move a log's clock in tests: heartbeats, and events followed by heartbeats."""

import time
from collections.abc import Sequence

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, FrameHeaders, heartbeat_headers
from liq.schemas.records import Liquidation


async def beat(settings: Settings) -> None:
    """Publish a producer's heartbeat with the present time to Bitget's raw topic."""
    producer = new_producer(settings, "beats")
    await producer.start()
    headers = FrameHeaders("bitget", HEARTBEAT_FEED, time.time_ns(), "good", 0)
    try:
        await producer.send_and_wait(
            settings.topics.raw("bitget"), None, key=HEARTBEAT_KEY, headers=headers.encode()
        )
    finally:
        await producer.stop()


async def publish(settings: Settings, events: Sequence[Liquidation], until_ms: int) -> None:
    """Publish events, then a heartbeat with the clock `until_ms` to every partition."""
    producer = new_producer(settings, "test")
    await producer.start()
    topic = settings.topics.events
    for event in events:
        await producer.send(topic, encode(event), key=event.base.encode())
    await producer.flush()
    for partition in await producer.partitions_for(topic):
        await producer.send_and_wait(
            topic,
            None,
            key=HEARTBEAT_KEY,
            headers=heartbeat_headers(until_ms),
            partition=partition,
        )
    await producer.stop()
