"""Query results as tables in the terminal."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client
from rich.box import SIMPLE_HEAD
from rich.table import Table

NUMERIC = (int, float, Decimal)


def run_sql(client: Client, query: str, title: str | None = None) -> Table:
    """Run a query and lay its rows out; numbers to the right."""
    result = client.query(query)
    rows = result.result_rows
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for index, name in enumerate(result.column_names):
        numeric = bool(rows) and isinstance(rows[0][index], NUMERIC)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    return table


def shown(value: Any) -> str:
    """A value as a person reads it: thousands separated, times in UTC."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal | float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
