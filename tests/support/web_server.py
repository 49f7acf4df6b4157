"""The `liq serve` of a test: its log, and requests to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from liq.devstack.ports import LOOPBACK
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.schemas.headers import heartbeat_headers
from tests.support.web_records import liquidation

DEADLINE_SECONDS = 60.0


async def publish_liquidations(settings: Settings, first: int, count: int) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for number in range(first, first + count):
            await producer.send(
                settings.topics.events, liquidation(number), key=b"%d" % (number % 17)
            )
    finally:
        await producer.stop()


@asynccontextmanager
async def asking(port: int, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}", headers=headers) as session:
        yield session


async def wait_for_liquidations(port: int, count: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), asking(port) as session:
        while True:
            async with session.get("/api/v1/liquidations?limit=1000") as answer:
                if len((await answer.json())["liquidations"]) >= count:
                    return


async def publish_records(settings: Settings, values: dict[str, list[bytes]]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for topic, records in values.items():
            for value in records:
                await producer.send(topic, value, key=b"k")
    finally:
        await producer.stop()


async def publish_clock(settings: Settings, clock_ms: int) -> None:
    """Publish a heartbeat with a clock on the events topic."""
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        await producer.send(
            settings.topics.events, None, key=b"k", headers=heartbeat_headers(clock_ms)
        )
    finally:
        await producer.stop()
