"""`liq produce`: live frames of exchanges into the raw topics."""

from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error


@exits_on_configuration_error
def produce(
    exchanges: Annotated[
        list[str] | None,
        typer.Argument(help="Exchanges to connect to; EXCHANGES, or every known one, if absent."),
    ] = None,
) -> None:
    """Connect to exchanges and publish their frames byte for byte into the raw topics."""
    from liq.cli.running import run_until_signal, start_health
    from liq.producers.feeds.registry import producible_exchanges
    from liq.producers.feeds.settings import choose_targets
    from liq.producers.live import produce as produce_live
    from liq.runtime.environment import environment
    from liq.runtime.settings import load_settings

    settings = load_settings()
    named = tuple(dict.fromkeys(name.lower() for name in exchanges or ()))
    chosen = choose_targets(named or settings.exchanges or producible_exchanges(), environment())
    health, server = start_health(settings, worker="produce")
    try:
        run_until_signal(lambda stop: produce_live(settings, chosen, health, stop))
    finally:
        server.stop()
