"""`liq rehearse`: a recorded capture through live producers."""

import asyncio
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error, out
from liq.cli.running import run_until_signal, start_health
from liq.devstack.exchange.rehearsal import rehearse as rehearse_capture
from liq.producers.recorded import MAX_SPEED, parse_speed
from liq.runtime.settings import load_settings


@exits_on_configuration_error
def rehearse(
    capture: Annotated[str, typer.Argument(help="A capture (JSON Lines, may be gzipped).")],
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the recorded pace (1, 60, 600 ...).")
    ] = MAX_SPEED,
) -> None:
    """Play a capture over websockets: exchanges on this machine send it, live producers receive it.

    The raw topics then hold what `liq replay` would have written.
    """
    settings = load_settings()
    factor = parse_speed(speed)
    health, server = start_health(settings, worker="rehearse")
    counts: list[int] = []

    async def play(stop: asyncio.Event) -> None:
        counts.append(await rehearse_capture(settings, capture, factor, health, stop))

    try:
        run_until_signal(play)
    finally:
        server.stop()
    out.print(f"{counts[0]} frames received and published", highlight=False)
