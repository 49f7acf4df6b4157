"""What every subcommand shares: the terminal, exit codes, and running a worker."""

import asyncio
import functools
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.health import Health, HealthServer
from liq.runtime.logs import configure_logging, get_logger
from liq.runtime.redaction import without_logins
from liq.runtime.settings import Settings

EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits
EXIT_DEPENDENCY = 69  # EX_UNAVAILABLE

# Tables in a file or a pipe are as wide as they need to be.
WIDTH_WITHOUT_TERMINAL = 120

# Symbols come from exchanges: "[link=...]" and ":gold:" in them are no markup.
out = Console(
    width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, markup=False, emoji=False
)
err = Console(stderr=True, markup=False, emoji=False)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def exits_on_configuration_error(
    command: Callable[Parameters, Result],
) -> Callable[Parameters, Result]:
    """Turn the errors that a user can mend into one sentence and an exit code."""

    @functools.wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except ConfigurationError as error:
            err.print(without_logins(str(error)), style="red", markup=False, highlight=False)
            raise typer.Exit(EXIT_CONFIGURATION) from error
        except DependencyError as error:
            err.print(without_logins(str(error)), style="red", markup=False, highlight=False)
            raise typer.Exit(EXIT_DEPENDENCY) from error

    return wrapped


def start_health(settings: Settings, worker: str) -> tuple[Health, HealthServer]:
    """Set up logging, health and metrics of a worker process."""
    configure_logging(settings, worker=worker, slot=settings.worker_slot)
    health = Health()
    server = HealthServer(health, settings.http_host, settings.http_port)
    server.start()
    get_logger(__name__).info("http_listening", host=settings.http_host, port=server.port)
    return health, server


def run_until_signal(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a coroutine whose event is set by SIGTERM or SIGINT; it then ends by itself."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await work(stop)

    asyncio.run(main())
