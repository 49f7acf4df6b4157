"""A sink in the process of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.sinks.destination import Destination
from liq.sinks.worker import run

END_SECONDS = 90.0


@asynccontextmanager
async def running_sink(settings: Settings, destination: Destination) -> AsyncIterator[Health]:
    """Run a sink; it is stopped as SIGTERM would, and must end by itself."""
    health, stop = Health(), asyncio.Event()
    task = asyncio.create_task(run(settings, health, stop, destination))
    await asyncio.sleep(0)  # the task begins, and says what it still lacks
    try:
        yield health
    finally:
        stop.set()
        async with asyncio.timeout(END_SECONDS):
            await task
