"""`liq replay-rejected`: rejected frames through the normalizer again."""

import asyncio
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error, out
from liq.schemas.vocabulary import RejectReason


@exits_on_configuration_error
def replay_rejected(
    reason: Annotated[RejectReason, typer.Option(help="Only frames rejected for this.")],
) -> None:
    """Put frames that were rejected for a reason through again, once that is mended.

    For example when a venue lists a contract after all, with `--reason unknown_instrument`. The
    frames go back into their raw topics as they were, so that their events have the ids that they
    would have had; a second run takes only what was rejected since.
    """
    from liq.producers.recorded import replay_rejected as replay_frames
    from liq.runtime.logs import configure_logging
    from liq.runtime.settings import load_settings

    settings = load_settings()
    configure_logging(settings, worker="replay-rejected")
    result = asyncio.run(replay_frames(settings, reason))
    out.print(
        f"{result.originals + result.rebuilt} frames put through again"
        + (f", {result.rebuilt} of them rebuilt from the rejection" if result.rebuilt else "")
        + (f"; {result.broken} records could not be read" if result.broken else "")
        + "."
    )
