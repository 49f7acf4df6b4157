"""What moves a log's clock in tests: a producer's heartbeat, and events with a time after them."""

import time
from collections.abc import Sequence

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, FrameHeaders, heartbeat_headers
from liq.schemas.records import Liquidation


async def beat(settings: Settings) -> None:
    """Publish the heartbeat of a producer, now, in Bitget's raw topic."""
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
    """Publish events, and then in every partition a heartbeat that says `until_ms`."""
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
