"""`liq sink`: a sink worker, configured by the environment."""

from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error
from liq.sinks.registry import DestinationName


@exits_on_configuration_error
def sink(
    store: Annotated[
        DestinationName, typer.Argument(help="Where to load.")
    ] = DestinationName.CLICKHOUSE,
) -> None:
    """Run a sink worker: every event once, in ClickHouse tables or in Redis' hot state."""
    from liq.cli.exchanges import configured_exchanges
    from liq.cli.running import run_until_signal, start_health
    from liq.cli.worker_topics import make_sure_of_topics
    from liq.runtime.settings import load_settings
    from liq.sinks import worker
    from liq.sinks.assignments import CONDITION
    from liq.sinks.registry import create_destination

    settings = load_settings()
    exchanges = configured_exchanges(settings)
    destination = create_destination(store, settings, exchanges)
    health, server = start_health(settings, f"sink-{store.value}", CONDITION)
    try:
        make_sure_of_topics(settings, f"sink-{store.value}", exchanges, health)
        run_until_signal(lambda stop: worker.run(settings, health, stop, destination))
    finally:
        server.stop()
