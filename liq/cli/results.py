"""Query results as tables in the terminal."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from unicodedata import category

from clickhouse_connect.driver.client import Client
from rich.box import SIMPLE_HEAD
from rich.table import Table

NUMERIC = (int, float, Decimal)
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def run_sql(client: Client, query: str, title: str | None = None) -> Table:
    """Run a query and lay its rows out; numbers to the right."""
    result = client.query(query)
    return table_of(result.column_names, result.result_rows, title)


def table_of(
    column_names: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None
) -> Table:
    """Lay rows out; numbers to the right. Numbers and times are never broken over two lines."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for index, name in enumerate(column_names):
        cells = [row[index] for row in rows if row[index] is not None]
        numeric = any(isinstance(cell, NUMERIC) and not isinstance(cell, bool) for cell in cells)
        whole = numeric or any(isinstance(cell, datetime) for cell in cells)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=whole)
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    return table


def shown(value: Any) -> str:
    """A value as a person reads it: thousands separated, times in UTC, nothing for null."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case Decimal() | float():
            text = f"{value:,.2f}"
        case datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%S")
            # Milliseconds only where they say more.
            text += f".{value.microsecond // 1000:03}" if value.microsecond else ""
        case list() | tuple():
            text = visible(", ".join(str(item) for item in value))
        case _:
            text = visible(str(value))
    return text


def visible(text: str) -> str:
    """A text without what could move a terminal's cursor or turn its text around.

    Controls and invisible formatting are written as Python writes them, line ends and tabs kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        repr(character)[1:-1]
        if category(character) in HIDDEN_CATEGORIES and character not in "\n\t"
        else character
        for character in text
    )
