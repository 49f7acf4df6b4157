"""Query results as tables in the terminal."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from unicodedata import category

from clickhouse_connect.driver.client import Client
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

NUMERIC = (int, float, Decimal)
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def run_sql(client: Client, query: str, title: str | None = None) -> Table:
    """Run a query and return its rows as a table, with numbers aligned to the right."""
    result = client.query(query)
    return table_of(result.column_names, result.result_rows, title)


def answer_of(client: Client, query: str, console: Console) -> Table | Text:
    """Run a query and return its rows as a table, or one below the other if that is too wide.

    A table that is too wide would show three dots in place of each name and number.
    """
    result = client.query(query)
    table = table_of(result.column_names, result.result_rows)
    if Measurement.get(console, console.options, table).minimum <= console.width:
        narrowest = sum(len(name) + 1 for name in result.column_names)
        if narrowest <= console.width:
            return table
    return vertical(result.column_names, result.result_rows)


def vertical(column_names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Text:
    """Return rows one below the other, with a line for each column."""
    width = max(map(len, column_names), default=0)
    lines: list[str] = []
    for number, row in enumerate(rows, start=1):
        lines.append(f"Row {number}")
        lines += [
            f"  {name:<{width}}  {shown(value)}"
            for name, value in zip(column_names, row, strict=True)
        ]
    return Text("\n".join(lines))


def table_of(
    column_names: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None
) -> Table:
    """Return rows as a table; numbers align to the right, and neither they nor times wrap."""
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
    """Return a value as text for people: thousands separated, times in UTC, null as empty."""
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
            # Milliseconds only if they are not zero.
            text += f".{value.microsecond // 1000:03}" if value.microsecond else ""
        case list() | tuple():
            text = visible(", ".join(str(item) for item in value))
        case _:
            text = visible(str(value))
    return text


def visible(text: str) -> str:
    """Return a text that cannot move a terminal's cursor or reverse its text.

    Controls and invisible formatting become Python's escapes; line ends and tabs are kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        repr(character)[1:-1]
        if category(character) in HIDDEN_CATEGORIES and character not in "\n\t"
        else character
        for character in text
    )
