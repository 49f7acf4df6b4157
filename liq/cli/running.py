"""The common parts of workers' commands: health, metrics, and an end by a signal."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from liq.runtime.exported import worker_registry
from liq.runtime.health import Health, HealthServer
from liq.runtime.logs import configure_logging, get_logger
from liq.runtime.settings import Settings


def start_health(settings: Settings, worker: str, *conditions: str) -> tuple[Health, HealthServer]:
    """Set up logging, health and metrics of a worker process.

    The worker is not ready before all `conditions` hold.
    """
    configure_logging(settings, worker=worker, slot=settings.worker_slot)
    health = Health()
    for condition in conditions:
        health.require(condition)
    server = HealthServer(health, settings.http_host, settings.http_port, worker_registry(worker))
    server.start()
    get_logger(__name__).info("http_listening", host=settings.http_host, port=server.port)
    return health, server


def run_until_signal(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a coroutine until it ends; SIGTERM and SIGINT set its event, at which it ends."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await work(stop)

    asyncio.run(main())
