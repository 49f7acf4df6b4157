"""`liq watch`: the live page's first screen, in a terminal."""

import asyncio
from typing import Annotated, Any

import orjson
import typer
from aiokafka.errors import KafkaError
from rich.live import Live

from liq.cli.console import exits_on_configuration_error, out
from liq.cli.running import run_until_signal
from liq.cli.watching import line, screen, sentence
from liq.runtime.health import Health
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.logs import configure_logging
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings, load_settings
from liq.web.board import Board
from liq.web.filters import FilterError, Filters, parse_filters
from liq.web.horizon import horizon
from liq.web.log_reader import LogReader, now_ms
from liq.web.records import Stream, StreamRecord
from liq.web.window import TooOldError, Window

MEMORY_BYTES = 32_000_000
REFRESH_SECONDS = 0.25
ROWS = 200


@exits_on_configuration_error
def watch(
    exchange: Annotated[str, typer.Option(help="Venues, comma separated.")] = "",
    asset: Annotated[str, typer.Option(help="Assets, comma separated.")] = "",
    side: Annotated[str, typer.Option(help="LONG or SHORT: the liquidated position.")] = "",
    min_usd: Annotated[str, typer.Option(help="Least dollars of a liquidation.")] = "",
) -> None:
    """Show open cascades and liquidations as they arrive, until Ctrl-C.

    If standard output is not a terminal, write a line for each new record.
    """
    settings = load_settings(log_level="ERROR")
    configure_logging(settings, worker="watch")
    try:
        filters = parse_filters(
            {"exchange": exchange, "asset": asset, "side": side, "min_usd": min_usd}
        )
    except FilterError as error:
        raise typer.BadParameter(str(error)) from error
    run_until_signal(lambda stop: _watch(settings, filters, stop))


async def _watch(settings: Settings, filters: Filters, stop: asyncio.Event) -> None:
    await _require_kafka(settings)
    window, board = Window(MEMORY_BYTES), Board()
    reader = LogReader(settings, Health(), window, board)
    caught_up = asyncio.Event()
    reading = asyncio.create_task(reader.run(stop, caught_up.set))
    view = _View(reader, window, board, filters)
    showing = asyncio.create_task(
        view.draw(stop) if out.is_terminal else view.write(stop, caught_up)
    )
    await asyncio.wait({reading, showing}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.gather(reading, showing)


async def _require_kafka(settings: Settings) -> None:
    """Request Kafka once, because the reader itself waits for Kafka for ever.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: Kafka does not answer.
    """
    try:
        await find_partitions(settings, [settings.topics.events])
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error


class _View:
    """The view of the records in memory."""

    def __init__(self, reader: LogReader, window: Window, board: Board, filters: Filters) -> None:
        self._reader = reader
        self._window = window
        self._board = board
        self._filters = filters

    async def draw(self, stop: asyncio.Event) -> None:
        """Redraw the whole terminal several times a second."""
        with Live(self._screen(), console=out, screen=True, auto_refresh=False) as live:
            while not stop.is_set():
                live.update(self._screen(), refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)

    async def write(self, stop: asyncio.Event, caught_up: asyncio.Event) -> None:
        """Write a line for each record that arrives from now on."""
        sequence: int | None = None
        trouble = ""
        while not stop.is_set():
            if sequence is None and caught_up.is_set():
                sequence = self._window.next_sequence
            if sequence is not None:
                sequence = self._write_since(sequence)
            if self._reader.trouble != trouble:
                trouble = self._reader.trouble
                typer.echo(trouble or "Kafka answers again.", err=True)
            await asyncio.sleep(REFRESH_SECONDS)

    def _write_since(self, sequence: int) -> int:
        """Write the records from a batch on; return the number of the next batch."""
        try:
            for batch in self._window.since(sequence):
                for record in batch.records:
                    self._write(record)
        except TooOldError as error:
            typer.echo(str(error), err=True)
        return self._window.next_sequence

    def _write(self, record: StreamRecord) -> None:
        if record.place.stream is Stream.CASCADES:
            typer.echo(sentence(orjson.loads(record.value)))
        elif record.place.stream is Stream.LIQUIDATIONS and self._filters.accept(record.facets):
            typer.echo(line(record))

    def _screen(self) -> Any:
        known = horizon(
            now_ms=now_ms(),
            clock_ms=self._reader.clock_ms,
            status=self._board.status,
            is_caught_up=self._reader.is_caught_up,
            trouble=self._reader.trouble,
        )
        newest = self._window.newest(Stream.LIQUIDATIONS, self._filters, ROWS)
        return screen(self._board, newest, known, height=out.height)
