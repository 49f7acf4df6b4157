"""The sink as a process of its own, to be killed: settings from the environment."""

import asyncio
import signal

from runtime.health import Health
from runtime.logs import configure_logging
from runtime.settings import load_settings
from sinks.clickhouse.worker import run


async def _main() -> None:
    settings = load_settings()
    configure_logging(settings)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(settings, Health(), stop)


if __name__ == "__main__":
    asyncio.run(_main())
