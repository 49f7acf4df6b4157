"""`liq replay`: the replay of a recorded capture into the raw topics."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from liq.cli.console import err, exits_on_configuration_error, out
from liq.cli.exchanges import configured_exchanges
from liq.cli.rights.missing import require_rights
from liq.cli.running import run_until_signal, start_health
from liq.processors.normalizers import known_exchanges
from liq.producers.recorded import (
    END_SILENCE_SECONDS,
    MAX_SPEED,
    Ordering,
    ReplayCallbacks,
    ReplayOptions,
    ReplayResult,
    parse_speed,
    replay_capture,
    report_broken_line,
)
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings


@exits_on_configuration_error
def replay(
    capture: Annotated[
        str, typer.Argument(help="A capture (JSON Lines, may be gzipped); - reads stdin.")
    ],
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the recorded pace (1, 60, 600 ...).")
    ] = MAX_SPEED,
    ordering: Annotated[
        Ordering,
        typer.Option(help="strict keeps the recorded order across partitions; relaxed is faster."),
    ] = Ordering.STRICT,
    end_silence_seconds: Annotated[
        int, typer.Option(min=0, help="Silence reported after the last frame; 0 for none.")
    ] = END_SILENCE_SECONDS,
) -> None:
    """Publish a capture's frames byte for byte into the raw topics.

    The command reports invalid lines with their number and skips them; the exit code is then 2.
    """
    settings = load_settings()
    configure_logging(settings, worker="replay")
    if "http_port" in settings.model_fields_set:
        # The command ends by itself, so it serves metrics only on an explicit port.
        start_health(settings, worker="replay")
    options = ReplayOptions(
        known_exchanges=known_exchanges(),
        exchanges=configured_exchanges(settings),
        speed=parse_speed(speed),
        ordering=ordering,
        end_silence_seconds=end_silence_seconds,
    )
    results: list[ReplayResult] = []
    with Progress(
        TextColumn("frames published"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    ) as bars:
        callbacks = ReplayCallbacks(
            progress=_report(bars, bars.add_task("", total=None)), broken=report_broken_line
        )

        async def play(stop: asyncio.Event) -> None:
            await require_rights(settings, "replay", options.exchanges)
            results.append(
                await replay_capture(settings, capture, options, stop=stop, callbacks=callbacks)
            )

        run_until_signal(play)
    result = results[0]
    out.print(
        f"{result.frames} frames published, {result.skipped} skipped, {result.broken} broken, "
        f"in {result.elapsed_seconds:.1f} s",
        highlight=False,
    )
    raise typer.Exit(result.exit_code)


def _report(bars: Progress, task: TaskID) -> Callable[[ReplayResult], None]:
    def report(result: ReplayResult) -> None:
        bars.update(task, completed=result.lines, total=result.total_lines)

    return report
