"""`liq import`: archives of liquidations from other recorders, as events of the past."""

import asyncio
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import err, exits_on_configuration_error
from liq.cli.given_instruments import instrument_book
from liq.cli.importing.destinations import (
    CLICKHOUSE,
    KAFKA,
    STDOUT,
    ClickHouseDestination,
    EventDestination,
    KafkaDestination,
    StdoutDestination,
)
from liq.cli.importing.files import InputFile, find_files
from liq.cli.importing.journal import Journal
from liq.cli.importing.run import (
    EventImport,
    ImportCallbacks,
    ImportReport,
    KnownFile,
    identify,
)
from liq.cli.results import visible
from liq.cli.running import run_until_signal
from liq.processors.archives import ARCHIVES, BadLine
from liq.processors.stages.normalize import normalizer_config
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings

JOURNAL = Path(".liq/import.json")
AUTO = "auto"
EXIT_BAD_LINES = 2
EXIT_STOPPED = 130
MOST_BAD_LINES_SHOWN = 100
MOST_FILES_SHOWN = 20


class Goal(StrEnum):
    """The destination of events."""

    CLICKHOUSE = CLICKHOUSE
    KAFKA = KAFKA
    STDOUT = STDOUT


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def import_events(  # noqa: PLR0913, PLR0917 - the command's options
    files: Annotated[
        list[Path],
        typer.Argument(help="Archives: files, plain, gzip, lz4 or zip; or folders of them."),
    ],
    goal: Annotated[
        Goal, typer.Option("--to", help="clickhouse, kafka, or - for JSON Lines on stdout.")
    ],
    form: Annotated[
        str, typer.Option("--format", help=f"{AUTO}, or one of {', '.join(ARCHIVES)}.")
    ] = AUTO,
    journal_file: Annotated[
        Path | None,
        typer.Option("--journal", help=f"How far imports have come; {JOURNAL}, none for stdout."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="From the beginning, whatever the journal says.")
    ] = False,
    instruments_file: Annotated[
        Path | None,
        typer.Option(
            "--instruments", help="Contracts that replace or add to the shipped ones, as JSON."
        ),
    ] = None,
) -> None:
    """Import archived liquidations; detection treats them as history.

    Formats: tardis.dev, Binance Vision, cryptofeed, AgentFeed, a Hyperliquid node's fills, and
    liq's own events as JSON Lines or Parquet (docs/history.md). The command refuses files of other
    kinds before it imports any file. Run it again to continue an interrupted import.

    Lines without a readable event go to stderr with their number; the exit code is then 2.
    """
    if form not in (AUTO, *ARCHIVES):
        raise typer.BadParameter(f"--format is {form}: {AUTO} or one of {', '.join(ARCHIVES)}")
    settings = load_settings()
    configure_logging(settings, worker="import")
    known = identify(find_files(files), "" if form == AUTO else form)
    destination = _destination(settings, goal)
    path = journal_file or (None if goal is Goal.STDOUT else JOURNAL)
    journal = Journal.read(path, destination.name)
    if again:
        journal.forget(file.file.fingerprint() for file in known)
    book = instrument_book(instruments_file)
    reports: list[tuple[KnownFile, ImportReport]] = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    ) as bars:
        view = _View(bars, known)
        importing = EventImport(
            destination,
            journal,
            book,
            normalizer_config(settings),
            ImportCallbacks(bad=view.bad, progress=view.progress),
        )

        async def work(stop: asyncio.Event) -> None:
            await destination.open()
            try:
                for each in known:
                    view.begin(each.file)
                    reports.append((each, await importing.run(each, stop)))
                    if stop.is_set():
                        break
            finally:
                await destination.close()

        run_until_signal(work)
    _conclude(reports, is_stopped=len(reports) < len(known))


def _destination(settings: Settings, goal: Goal) -> EventDestination:
    if goal is Goal.STDOUT:
        return StdoutDestination(sys.stdout.buffer)
    if goal is Goal.KAFKA:
        return KafkaDestination(settings)
    from liq.sinks.clickhouse.bulk import BulkLoader

    return ClickHouseDestination(settings, BulkLoader(settings))


class _View:
    """The progress bar of all files, and the first bad lines."""

    def __init__(self, bars: Progress, known: list[KnownFile]) -> None:
        sizes = [each.file.size_bytes for each in known]
        self._bars = bars
        self._task = bars.add_task("", total=sum(sizes))
        self._before = self._size = 0
        self._shown = 0

    def begin(self, file: InputFile) -> None:
        self._before += self._size
        self._size = file.size_bytes
        self._bars.update(
            self._task, completed=self._before, description=visible(file.path.name[-40:])
        )

    def progress(self, place: int) -> None:
        self._bars.update(self._task, completed=self._before + place)

    def bad(self, file: InputFile, line: BadLine) -> None:
        self._shown += 1
        if self._shown <= MOST_BAD_LINES_SHOWN:
            sentence = f"{file.label} line {line.line}: {line.reason}: {line.detail}"
            err.print(visible(sentence), highlight=False, soft_wrap=True)
        elif self._shown == MOST_BAD_LINES_SHOWN + 1:
            err.print("More lines give no event; they are counted below.", highlight=False)


def _conclude(reports: list[tuple[KnownFile, ImportReport]], *, is_stopped: bool) -> None:
    say: Callable[[str], Any] = lambda text: err.print(  # noqa: E731 - one line, used below
        visible(text), highlight=False, soft_wrap=True
    )
    total = ImportReport()
    for known, report in reports:
        if len(reports) <= MOST_FILES_SHOWN or report.damage:
            say(f"{known.file.label} ({known.archive.name}): {_words(report)}")
        total.stored += report.stored
        total.known += report.known
        total.repeats += report.repeats
        total.bad += report.bad
        total.damage = total.damage or report.damage
        is_stopped = is_stopped or report.is_stopped
    if len(reports) > 1:
        say(f"{len(reports)} files: {_words(total)}")
    if is_stopped:
        say("Stopped; the same command goes on from here.")
        raise typer.Exit(EXIT_STOPPED)
    if not total.is_whole:
        raise typer.Exit(EXIT_BAD_LINES)


def _words(report: ImportReport) -> str:
    if report.was_done:
        return "imported before (--again repeats it)"
    words = [f"{report.stored:,} events stored"]
    if report.known:
        words.append(f"{report.known:,} were there already")
    if report.repeats:
        words.append(f"{report.repeats:,} stood in it twice")
    if report.bad:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.bad.most_common())
        words.append(f"{report.bad.total():,} lines give no event ({reasons})")
    if report.damage:
        words.append(report.damage)
    return "; ".join(words)
