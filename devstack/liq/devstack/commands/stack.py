"""`liq dev` and `liq demo`: the whole engine on a laptop."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error
from liq.devstack.demo import DemoOptions, run_demo
from liq.devstack.development import Recording, run_development
from liq.schemas.units import SECOND_NS

CAPTURE = Path("data/captures/2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz")


#: Eight minutes before the largest cascade of shorts in that recording.
SHOW_FROM = datetime(2026, 7, 10, 1, 40)  # noqa: DTZ001 - as typer gives it


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def demo(
    capture: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A recorded capture.")
    ] = CAPTURE,
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the recorded pace (1, 60, 600 ...).")
    ] = "max",
    live: Annotated[
        bool, typer.Option("--live", help="Through websockets and the live producers.")
    ] = False,
) -> None:
    """Play a recorded capture through every process of the engine and print what SQL says."""
    _end_on_signals()
    run_demo(DemoOptions(capture, speed, is_live=live))


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def dev(
    play: Annotated[
        bool, typer.Option("--play", help="Play a recording through it, into empty topics.")
    ] = False,
    capture: Annotated[Path, typer.Option(help="The recording.")] = CAPTURE,
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the recorded pace (1, 60, 600 ...).")
    ] = "60",
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Play at once what was recorded before (UTC); by default some minutes before the "
            "largest cascade of the default recording.",
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        ),
    ] = None,
) -> None:
    """Keep a broker, a ClickHouse, all workers and the page running until Ctrl-C."""
    if play and not capture.is_file():
        # The option itself cannot check this, because the file may be missing without --play.
        raise typer.BadParameter(f"there is no file {capture}; name a recording by --capture")
    _end_on_signals()
    if since is None and capture == CAPTURE:
        since = SHOW_FROM
    since_ns = 0 if since is None else int(since.replace(tzinfo=UTC).timestamp()) * SECOND_NS
    run_development(Recording(capture, speed, since_ns) if play else None)


def _end_on_signals() -> None:
    """Make SIGTERM and SIGINT raise KeyboardInterrupt, so that `with` statements stop the children.

    Otherwise a process that a script starts in the background would ignore Ctrl-C.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
