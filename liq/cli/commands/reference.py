"""`liq reference`: listings of the venues' contracts, every hour and when a frame needs one."""

from dataclasses import replace
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error


@exits_on_configuration_error
def reference(
    exchanges: Annotated[
        list[str] | None,
        typer.Argument(help="Exchanges to list; EXCHANGES, or every known one, if absent."),
    ] = None,
) -> None:
    """List the contracts of every venue whose sizes are contracts, and publish new ones.

    Parked frames return to the normalizer once their contracts are listed.
    """
    from liq.cli.contract_lists import contract_sources
    from liq.cli.exchanges import chosen_exchanges, configured_exchanges
    from liq.cli.running import run_until_signal, start_health
    from liq.cli.worker_topics import make_sure_of_topics
    from liq.processors.normalizers import load_snapshot
    from liq.producers.reference import CONDITION, DEFAULT_TIMING
    from liq.producers.reference import run as run_reference
    from liq.runtime.environment import environment
    from liq.runtime.settings import load_settings

    settings = load_settings()
    known = configured_exchanges(settings)
    sources = contract_sources(chosen_exchanges(known, exchanges), environment())
    timing = replace(
        DEFAULT_TIMING,
        listing_seconds=settings.reference_listing_seconds,
        ask_seconds=settings.reference_ask_seconds,
    )
    health, server = start_health(settings, "reference", CONDITION)
    try:
        make_sure_of_topics(settings, "reference", known, health)
        shipped = load_snapshot().all()
        run_until_signal(
            lambda stop: run_reference(
                settings, sources, shipped, health=health, stop=stop, timing=timing
            )
        )
    finally:
        server.stop()
