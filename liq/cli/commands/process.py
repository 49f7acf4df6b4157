"""`liq process`: a Faust worker, configured by the environment."""

from enum import StrEnum
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error


class Stage(StrEnum):
    """The processing stages."""

    NORMALIZE = "normalize"
    DETECT = "detect"


@exits_on_configuration_error
def process(
    stage: Annotated[Stage, typer.Argument(help="Which stage this process works on.")],
) -> None:
    """Run a Faust worker: frames to liquidations, or liquidations to cascade alerts."""
    from liq.cli.exchanges import configured_exchanges
    from liq.cli.running import start_health
    from liq.cli.worker_topics import make_sure_of_topics
    from liq.processors.workers import agents, worker
    from liq.runtime.settings import load_settings

    settings = load_settings()
    exchanges = configured_exchanges(settings)
    health, server = start_health(settings, f"process-{stage.value}", agents.CONDITION)
    try:
        make_sure_of_topics(settings, stage.value, exchanges, health)
        worker.run(settings, stage.value, exchanges, health)
    finally:
        server.stop()
