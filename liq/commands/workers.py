"""`liq process` and `liq sink`: worker processes, configured by the environment.

Both make sure of the topics before they subscribe: many brokers answer a subscription to a topic
that is not there by creating it with one partition and a retention of their own.
"""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from liq.console import exits_on_configuration_error, run_until_signal, start_health
from liq.exchanges import configured_exchanges
from processors.engine import worker
from runtime.health import Health
from runtime.settings import Settings, load_settings
from runtime.topics import ensure_topics
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
        health.require(worker.CONDITION)
        _make_sure_of_topics(settings, exchanges, health)
        worker.run(settings, stage.value, exchanges, health)
    finally:
        server.stop()


@exits_on_configuration_error
def sink(store: Annotated[Sink, typer.Argument(help="Where to load.")] = Sink.CLICKHOUSE) -> None:
    """Run a sink worker: Kafka topics into ClickHouse tables, every event once."""
    settings = load_settings()
    exchanges = configured_exchanges(settings)
    archived = exchanges if settings.sink_raw_archive else ()
    health, server = start_health(settings, worker=f"sink-{store.value}")
    try:
        health.require(clickhouse_sink.CONDITION)
        _make_sure_of_topics(settings, exchanges, health)
        run_until_signal(lambda stop: clickhouse_sink.run(settings, health, stop, archived))
    finally:
        server.stop()


def _make_sure_of_topics(settings: Settings, exchanges: tuple[str, ...], health: Health) -> None:
    health.require("topics", "comparing them with what they should be")
    asyncio.run(ensure_topics(settings, exchanges))
    health.set("topics", holds=True, reason="as they should be")
