"""The worker of notifications: a sink worker together with the office."""

import asyncio

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.sinks import worker
from liq.sinks.notify.destination import NotifyDestination


async def run(
    settings: Settings, health: Health, stop: asyncio.Event, destination: NotifyDestination
) -> None:
    """Send notifications until `stop` is set; then finish the work in progress, commit and return.

    Raises:
        ConfigurationError: too many records are undecodable.
        DependencyError: Kafka cannot be reached or rejects this client.
        Exception: an unexpected error of the office.
    """
    working = asyncio.create_task(worker.run(settings, health, stop, destination))
    ending = asyncio.create_task(destination.office.wait_for_end())
    try:
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            stop.set()
            await asyncio.wait({working})
            ending.result()
        working.result()
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
