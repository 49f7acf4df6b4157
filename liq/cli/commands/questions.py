"""`liq sql` and `liq report`: queries to ClickHouse."""

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
    """The output format of an answer."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FILE_FORMATS = {AnswerFormat.JSON: "JSONEachRow", AnswerFormat.CSV: "CSVWithNames"}


@exits_on_configuration_error
def sql(
    query: Annotated[
        str, typer.Argument(help="One SELECT, SHOW, DESCRIBE or EXPLAIN; - reads stdin.")
    ] = "-",
    answer_format: Annotated[
        AnswerFormat,
        typer.Option("--format", help="table; json, an object a line; or csv with a header."),
    ] = AnswerFormat.TABLE,
    max_seconds: Annotated[
        int | None,
        typer.Option(help="Seconds after which it is given up; 60 by default.", min=1, max=3600),
    ] = None,
    max_rows: Annotated[
        int | None,
        typer.Option(help="Rows beyond which it is refused; 1,000,000 by default.", min=1),
    ] = None,
) -> None:
    """Run one read-only query in ClickHouse.

    Rows that are wider than the terminal are written one below the other. When the command ends
    for any reason, ClickHouse stops the query.

    Exits with 65 and a sentence if ClickHouse refuses the query, with 69 if it cannot be reached.
    """
    from liq.cli.results import answer_of
    from liq.runtime.settings import load_settings
    from liq.sinks.clickhouse.answers import (
        AnswerLimits,
        QueryError,
        asking,
        refuse_outside_reads,
        write_lines,
    )

    if query == "-" and sys.stdin.isatty():
        raise typer.BadParameter("give a question, or pipe one into standard input")
    text = sys.stdin.read() if query == "-" else query
    question = text.strip().rstrip(";")
    try:
        with asking(load_settings(), AnswerLimits(max_seconds, max_rows)) as client:
            refuse_outside_reads(client, question)
            if answer_format is AnswerFormat.TABLE:
                out.print(answer_of(client, question, out), highlight=False)
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
    """Report the main answers of the SQL cookbook over a period of stored days.

    Exits with 65 if there are no liquidations in it, with 69 if ClickHouse cannot be reached.
    """
    from liq.cli.report.answers import NothingStoredError, ask, newest_period
    from liq.cli.report.horizon import horizon_sentence
    from liq.cli.report.page import page
    from liq.cli.report.terminal import print_report
    from liq.runtime.settings import load_settings
    from liq.sinks.clickhouse.answers import QueryError, asking

    end = None if until is None else until.replace(tzinfo=UTC)
    try:
        settings = load_settings()
        with asking(settings) as client:
            answers = ask(client, newest_period(client, days, end), symbol)
    except (QueryError, NothingStoredError) as error:
        _refuse(error)
    known_until = horizon_sentence(settings)
    if html is None:
        print_report(answers, out)
        out.print(known_until, style="bold", highlight=False)
        return
    try:
        html.write_text(page(answers, known_until), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"The page cannot be written to {html}: {error}") from error
    out.print(f"wrote {html} ({html.stat().st_size / 1024:.0f} KiB)", highlight=False)


def _refuse(error: Exception) -> NoReturn:
    err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(EXIT_REFUSED_QUESTION) from error
