"""`liq backtest`: the alerts of several detector configurations over stored events."""

import os
import tomllib
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from liq.cli.backtesting.comparison import EXPLANATION, comparison, reliability_table
from liq.cli.backtesting.output import cascade_rows, run_rows, write_records
from liq.cli.backtesting.run import Backtest, backtest
from liq.cli.backtesting.sources import Source, of_clickhouse, of_files
from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import err, exits_on_configuration_error, out
from liq.cli.given_instruments import instrument_book
from liq.cli.importing.files import find_files
from liq.cli.importing.run import identify
from liq.cli.results import visible
from liq.processors.backtesting import Configuration, changed, listed
from liq.processors.cascades import DetectorConfig
from liq.processors.stages.normalize import normalizer_config
from liq.processors.stages.owned import detector_config
from liq.runtime.errors import ConfigurationError
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings

CLICKHOUSE = "clickhouse"
OF_THE_SETTINGS = "settings"
MOST_CONFIGURATIONS = 64
ANSWER_TIMEOUT_SECONDS = 600


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def run(  # noqa: PLR0913, PLR0917 - the command's options
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Events or archives, as for liq import; none reads ClickHouse."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="ClickHouse: the first UTC day.", formats=["%Y-%m-%d"])
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="ClickHouse: the UTC day up to which.", formats=["%Y-%m-%d"]),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="One more configuration: NAME=VALUE,NAME=VALUE."),
    ] = None,
    config_files: Annotated[
        list[Path] | None,
        typer.Option("--config", help="Configurations as TOML, a table of values each."),
    ] = None,
    goal: Annotated[
        str, typer.Option("--to", help="clickhouse, or a file for the records as JSON Lines.")
    ] = "",
    reliability: Annotated[
        bool, typer.Option(help="Also what each said of the next minute, by probability.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=0, help="Processes that share the configurations; 0: the cores.")
    ] = 0,
) -> None:
    """Run the detector over stored events in log time, with several configurations at once.

    The first configuration is that of the environment. Imported events count like live ones. At
    the end, the command compares figures: messages a day, dollars inside cascades, dollars still
    to come at the first message, accuracy of the forecasts (docs/history.md).
    """
    settings = load_settings()
    configure_logging(settings, worker="backtest")
    configurations = _configurations(detector_config(settings), sets or [], config_files or [])
    with ExitStack() as opened:
        source = _source(settings, files or [], since, until, opened)
        progress = opened.enter_context(
            Progress(
                SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err
            )
        )
        task = progress.add_task("0 events")
        tell: Callable[[int], None] = lambda count: progress.update(  # noqa: E731 - one line
            task, description=f"{count:,} events"
        )
        found = opened.enter_context(
            backtest(source, configurations, processes=jobs or os.cpu_count() or 1, progress=tell)
        )
        progress.stop()
        _tell(found, source, reliability=reliability)
        if goal == CLICKHOUSE:
            from liq.sinks.clickhouse.backtests import store_backtest

            store_backtest(settings, found.run_id, run_rows(found), cascade_rows(found))
            err.print(f"Run {found.run_id} is in backtest_runs and backtest_cascades.")
        elif goal:
            write_records(found, Path(goal))


def _configurations(
    base: DetectorConfig, sets: list[str], config_files: list[Path]
) -> list[Configuration]:
    found = [Configuration(OF_THE_SETTINGS, base)]
    try:
        found += listed(base, sets)
        for path in config_files:
            found += _of_file(base, path)
    except ValueError as error:
        raise ConfigurationError(f"{error}.") from error
    names = [each.name for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"Two configurations are called {', '.join(twice)}.")
    if len(found) > MOST_CONFIGURATIONS:
        raise ConfigurationError(
            f"{len(found)} configurations are more than {MOST_CONFIGURATIONS}; run some of them."
        )
    return found


def _of_file(base: DetectorConfig, path: Path) -> list[Configuration]:
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"--config {path} cannot be used: {error}.") from error
    found = []
    for name, values in document.items():
        if not isinstance(values, dict):
            raise ConfigurationError(
                f"--config {path}: {name} is no table; write [NAME] and the values below it."
            )
        found.append(Configuration(name, changed(base, values)))
    return found


def _source(
    settings: Settings,
    files: list[Path],
    since: datetime | None,
    until: datetime | None,
    opened: ExitStack,
) -> Source:
    if files:
        if since or until:
            raise typer.BadParameter("--since and --until are for ClickHouse; leave FILES out")
        known = identify(find_files(files), "", nothing_done="Nothing was tested.")
        return of_files(known, instrument_book(None), normalizer_config(settings))
    if since is None or until is None:
        raise typer.BadParameter("name files, or a time in ClickHouse: --since DAY --until DAY")
    if until <= since:
        raise typer.BadParameter(f"--until {until:%Y-%m-%d} has to be after --since")
    from liq.sinks.clickhouse.client import connect

    client: Any = connect(settings, as_reader=True, answer_timeout_seconds=ANSWER_TIMEOUT_SECONDS)
    opened.enter_context(closing(client))
    return of_clickhouse(client, since.replace(tzinfo=UTC), until.replace(tzinfo=UTC))


def _tell(found: Backtest, source: Source, *, reliability: bool) -> None:
    counts = source.counts
    if counts.bad_lines:
        first = visible(counts.first_bad)
        err.print(
            f"{counts.bad_lines:,} lines give no event; the first: {first}",
            highlight=False,
            soft_wrap=True,
        )
    if counts.implausible:
        err.print(f"{counts.implausible:,} events have numbers that no market has.")
    if not found.span.events:
        raise ConfigurationError("There are no events to test.")
    title = f"{found.span.events:,} events in {found.span.days:.2f} days; run {found.run_id}"
    runs = [(run.configuration.name, run.figures) for run in found.runs]
    out.print(comparison(title, "configuration", runs))
    out.print(EXPLANATION, style="dim")
    if reliability:
        for name, figures in runs:
            out.print(reliability_table(name, figures))
