"""The beat of an asyncio worker: a task on the worker's event loop that waits for no service.

`/healthz` fails when the event loop is blocked. A worker that waits for Kafka, a venue or
ClickHouse keeps beating, so no supervisor restarts it for a fault that a restart cannot repair.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from liq.runtime.health import Health
from liq.runtime.logs import get_logger

BEAT_SECONDS: Final = 1.0

log = get_logger(__name__)


@asynccontextmanager
async def beating(health: Health) -> AsyncIterator[None]:
    """Beat once a second while the block runs."""
    async with reporting(health.beat):
        yield


@asynccontextmanager
async def reporting(report: Callable[[], None]) -> AsyncIterator[None]:
    """Call `report` once a second while the block runs; log an exception that ends the calls."""
    task = asyncio.create_task(_repeat(report), name="report")
    try:
        yield
    finally:
        task.cancel()
        [result] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(result, Exception):
            log.error("report_ended", error=repr(result))


async def _repeat(work: Callable[[], None]) -> None:
    while True:
        work()
        await asyncio.sleep(BEAT_SECONDS)
