"""`liq sql` and `liq report`: ask ClickHouse."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from liq.cli.console import err, exits_on_configuration_error, out
from liq.runtime.errors import ConfigurationError

EXIT_REFUSED_QUESTION = 65  # EX_DATAERR of sysexits


class AnswerFormat(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FILE_FORMATS = {AnswerFormat.JSON: "JSONEachRow", AnswerFormat.CSV: "CSVWithNames"}


@exits_on_configuration_error
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, SHOW, DESCRIBE or EXPLAIN.")],
    answer_format: Annotated[
        AnswerFormat,
        typer.Option("--format", help="table; json, an object a line; or csv with a header."),
    ] = AnswerFormat.TABLE,
) -> None:
    """Ask ClickHouse one question. Nothing can be changed this way.

    Exits with 65 and a sentence when ClickHouse refuses the question, with 69 when it cannot be
    reached.
    """
    from liq.cli.results import run_sql
    from liq.cli.warehouse_answers import QueryError, asking, refuse_outside_reads, write_lines
    from liq.runtime.settings import load_settings

    question = query.strip().rstrip(";")
    try:
        with asking(load_settings()) as client:
            refuse_outside_reads(client, question)
            if answer_format is AnswerFormat.TABLE:
                out.print(run_sql(client, question))
            else:
                write_lines(client, question, FILE_FORMATS[answer_format], sys.stdout.buffer)
    except QueryError as error:
        _refuse(error)


@exits_on_configuration_error
def report(
    days: Annotated[float, typer.Option(help="How long the period is.", min=0.01)] = 2,
    until: Annotated[
        datetime | None,
        typer.Option(
            help="Its end, UTC; by default the end of the newest liquidation's hour.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"],
        ),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Of the heat map; by default the one with most dollars.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write one page with charts to this file instead.")
    ] = None,
) -> None:
    """Answer the main questions of the SQL cookbook, over the newest days that are stored.

    Exits with 65 when there is nothing to report on, with 69 when ClickHouse cannot be reached.
    """
    from liq.cli.report.answers import NothingStoredError, ask, newest_period
    from liq.cli.report.page import page
    from liq.cli.report.terminal import print_report
    from liq.cli.warehouse_answers import QueryError, asking
    from liq.runtime.settings import load_settings

    end = None if until is None else until.replace(tzinfo=UTC)
    try:
        with asking(load_settings()) as client:
            answers = ask(client, newest_period(client, days, end), symbol)
    except (QueryError, NothingStoredError) as error:
        _refuse(error)
    if html is None:
        print_report(answers, out)
        return
    try:
        html.write_text(page(answers), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"The page cannot be written to {html}: {error}") from error
    out.print(f"wrote {html} ({html.stat().st_size / 1024:.0f} KiB)", highlight=False)


def _refuse(error: Exception) -> NoReturn:
    err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(EXIT_REFUSED_QUESTION) from error
