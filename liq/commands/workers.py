"""`liq process` and `liq sink`: worker processes, configured by the environment."""

from enum import StrEnum
from typing import Annotated

import typer

from liq.console import exits_on_configuration_error, run_until_signal, start_health
from liq.exchanges import configured_exchanges
from processors.engine import worker
from runtime.settings import load_settings
from sinks.clickhouse import worker as clickhouse_sink


class Stage(StrEnum):
    """The two stages of processing."""

    NORMALIZE = "normalize"
    DETECT = "detect"


class Sink(StrEnum):
    """The stores that a sink can load."""

    CLICKHOUSE = "clickhouse"


@exits_on_configuration_error
def process(
    stage: Annotated[Stage, typer.Argument(help="Which stage this process works on.")],
) -> None:
    """Run a Faust worker: frames to liquidations, or liquidations to cascade alerts."""
    settings = load_settings()
    exchanges = configured_exchanges(settings)
    health, server = start_health(settings, worker=f"process-{stage.value}")
    try:
        worker.run(settings, stage.value, exchanges, health)
    finally:
        server.stop()


@exits_on_configuration_error
def sink(store: Annotated[Sink, typer.Argument(help="Where to load.")] = Sink.CLICKHOUSE) -> None:
    """Run a sink worker: Kafka topics into ClickHouse tables, every event once."""
    settings = load_settings()
    archived = configured_exchanges(settings) if settings.sink_raw_archive else ()
    health, server = start_health(settings, worker=f"sink-{store.value}")
    try:
        run_until_signal(lambda stop: clickhouse_sink.run(settings, health, stop, archived))
    finally:
        server.stop()
