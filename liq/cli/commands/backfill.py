"""`liq backfill`: repair gaps of live feeds from the venues' histories."""

from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error


@exits_on_configuration_error
def backfill(
    exchanges: Annotated[
        list[str] | None,
        typer.Argument(help="Exchanges to repair; EXCHANGES, or every known one, if absent."),
    ] = None,
) -> None:
    """Request the frames that live feeds have missed from venues' histories, and publish them.

    Every gap on the feeds topic ends as filled, partly filled or unrecoverable.
    """
    from liq.cli.exchanges import chosen_exchanges, configured_exchanges
    from liq.cli.running import run_until_signal, start_health
    from liq.cli.worker_topics import make_sure_of_topics
    from liq.processors.normalizers.open_positions import read_snapshot
    from liq.producers.history import CONDITION
    from liq.producers.history import run as run_backfill
    from liq.producers.history.settings import (
        history_sources,
        position_sources,
        without_completion,
        without_history,
    )
    from liq.runtime.environment import environment
    from liq.runtime.settings import load_settings

    settings = load_settings()
    known = configured_exchanges(settings)
    chosen = chosen_exchanges(known, exchanges)
    sources, none = history_sources(chosen, environment()), without_history(chosen)
    if not settings.backfill_completion:
        sources = without_completion(sources)
    positions = (
        position_sources(chosen, environment(), read_snapshot)
        if settings.backfill_positions
        else ()
    )
    health, server = start_health(settings, "backfill", CONDITION)
    try:
        make_sure_of_topics(settings, "backfill", known, health)
        run_until_signal(
            lambda stop: run_backfill(
                settings, sources, none, health=health, stop=stop, positions=positions
            )
        )
    finally:
        server.stop()
