"""`liq replay-rejected`: the replay of rejected frames through the normalizer."""

import asyncio
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error, out
from liq.schemas.vocabulary import RejectReason


@exits_on_configuration_error
def replay_rejected(
    reason: Annotated[RejectReason, typer.Option(help="Only frames rejected for this.")],
) -> None:
    """Replay frames that were rejected for a reason, after its cause is repaired.

    For example, `--reason unknown_instrument` after a venue has listed a contract. The command
    writes the frames unchanged into their raw topics, so that their events have the same ids as
    without the rejection. A second run replays only later rejections.
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
