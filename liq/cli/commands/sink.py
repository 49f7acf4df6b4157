"""`liq sink`: a sink worker, configured by the environment."""

from enum import StrEnum
from typing import Annotated

import typer

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error, run_until_signal, start_health
from liq.cli.exchanges import configured_exchanges
from liq.cli.worker_topics import make_sure_of_topics
from liq.runtime.settings import load_settings
from liq.sinks.clickhouse import worker as clickhouse_sink


class Sink(StrEnum):
    """The stores that a sink can load."""

    CLICKHOUSE = "clickhouse"


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def sink(store: Annotated[Sink, typer.Argument(help="Where to load.")] = Sink.CLICKHOUSE) -> None:
    """Run a sink worker: Kafka topics into ClickHouse tables, every event once."""
    settings = load_settings()
    exchanges = configured_exchanges(settings)
    archived = exchanges if settings.sink_raw_archive else ()
    health, server = start_health(settings, worker=f"sink-{store.value}")
    try:
        health.require(clickhouse_sink.CONDITION)
        make_sure_of_topics(settings, exchanges, health)
        run_until_signal(lambda stop: clickhouse_sink.run(settings, health, stop, archived))
    finally:
        server.stop()
