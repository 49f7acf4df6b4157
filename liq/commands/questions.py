"""`liq sql`: ask ClickHouse."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from liq.console import err, exits_on_configuration_error, out
from liq.results import run_sql
from liq.warehouse_answers import QueryError, asking, write_lines
from runtime.settings import load_settings

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
    question = query.strip().rstrip(";")
    try:
        with asking(load_settings()) as client:
            if answer_format is AnswerFormat.TABLE:
                out.print(run_sql(client, question))
            else:
                write_lines(client, question, FILE_FORMATS[answer_format], sys.stdout.buffer)
    except QueryError as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_REFUSED_QUESTION) from error
