"""A sink in the test's process."""

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
    """Run a sink; at the end of the block, stop it as SIGTERM does; it must end by itself."""
    health, stop = Health(), asyncio.Event()
    task = asyncio.create_task(run(settings, health, stop, destination))
    await asyncio.sleep(0)  # the task starts, and declares its conditions
    try:
        yield health
    finally:
        stop.set()
        async with asyncio.timeout(END_SECONDS):
            await task
