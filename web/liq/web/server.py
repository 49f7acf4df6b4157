"""The worker of `liq serve`: a reader of the Kafka topics and a web server in one process."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn

from liq.runtime.beating import beating
from liq.runtime.errors import ConfigurationError
from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.settings import Settings
from liq.web import log_reader
from liq.web.access import StreamPlaces, Tokens
from liq.web.app import application
from liq.web.board import Board
from liq.web.bounded_protocol import MAX_CONNECTIONS, BoundedProtocol
from liq.web.history import History
from liq.web.log_reader import LogReader
from liq.web.sources import Sources
from liq.web.window import Window

CONDITION: Final = "web"
#: The health conditions of the server.
CONDITIONS: Final = (CONDITION, log_reader.CONDITION)
MEGABYTE: Final = 1_000_000
MAX_HEAD_BYTES: Final = 32_768
#: Clients of a stream send no messages of their own.
MAX_MESSAGE_BYTES: Final = 4_096
STOP_SECONDS: Final = 5
BACKLOG: Final = 256
#: The limit of open files: connections, and the files of Kafka, ClickHouse and Python.
OPEN_FILES: Final = MAX_CONNECTIONS + 300

log = get_logger(__name__)


class _Server(uvicorn.Server):
    """Server that leaves signals to the worker."""

    def install_signal_handlers(self) -> None:
        """Do nothing: the worker handles signals."""


async def run(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Serve until `stop` is set.

    Raises:
        ConfigurationError: the port is taken.
    """
    health.require(CONDITION, "not listening yet")
    _allow_open_files()
    window, board = Window(settings.web_memory_mb * MEGABYTE), Board()
    reader = LogReader(settings, health, window, board)
    history = History(settings)
    places = StreamPlaces(settings.web_streams_per_client)
    sources = Sources(window, board, reader, history, places)
    tokens = tuple(
        token.strip()
        for token in settings.web_tokens.get_secret_value().split(",")
        if token.strip()
    )
    try:
        async with _agents(sources, settings) as agents:
            app = application(sources, Tokens(tokens), agents)
            await _serve(settings, health, stop, app, reader)
    finally:
        await history.close()


async def _serve(
    settings: Settings, health: Health, stop: asyncio.Event, app: Any, reader: LogReader
) -> None:
    server = _Server(_config(settings, app))
    sockets = _bind(server, settings)
    async with beating(health):
        serving = asyncio.create_task(server.serve(sockets=sockets))
        reading = asyncio.create_task(reader.run(stop, lambda: log.info("caught_up")))
        port = sockets[0].getsockname()[1]
        health.set(CONDITION, holds=True, reason=f"listens on port {port}")
        log.info("web_listening", host=settings.web_host, port=port)
        await asyncio.wait({serving, reading}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        server.should_exit = True
        await asyncio.wait({serving, reading})
        reading.result()
        serving.result()


@asynccontextmanager
async def _agents(sources: Sources, settings: Settings) -> AsyncIterator[Any]:
    """Yield the running endpoint for agents, or None if its extra is not installed."""
    try:
        from liq.web.agents import agents, endpoint  # noqa: PLC0415 - an extra of its own
    except ModuleNotFoundError as error:
        log.info("no_agents", missing=error.name, extra="agents")
        yield None
        return
    server = agents(sources, settings)
    app = endpoint(server, settings)
    async with server.session_manager.run():
        yield app


def _allow_open_files() -> None:
    """Raise the process's soft limit of open files, often 1,024, to `OPEN_FILES` if allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        if wanted < OPEN_FILES:
            log.warning("few_open_files", allowed=wanted, wanted=OPEN_FILES)


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.web_host,
        port=settings.web_port,
        http=BoundedProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _bind(server: uvicorn.Server, settings: Settings) -> list[Any]:
    try:
        bound = server.config.bind_socket()
        # From now on clients wait for the server instead of being refused.
        bound.listen(BACKLOG)
    except (OSError, SystemExit) as error:
        raise ConfigurationError(
            f"WEB_PORT {settings.web_port} at WEB_HOST {settings.web_host} cannot be opened; "
            "choose another."
        ) from error
    return [bound]
