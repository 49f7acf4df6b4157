"""The statements that bring an empty database to the state after all migrations. Pure.

Later migrations replace most views. An empty database gets each view once, in its last form, after
the tables and views that it reads. That halves the number of statements.
"""

import re
from collections.abc import Iterable
from graphlib import TopologicalSorter
from typing import Final

from liq.sinks.clickhouse.schema import VIEW

_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")


def at_once(statements: Iterable[str]) -> list[str]:
    """Return all statements on tables in their order, then the last form of each view.

    Raises:
        ValueError: a statement drops a view, which is not supported.
    """
    tables: list[str] = []
    views: dict[str, str] = {}
    for statement in statements:
        found = VIEW.match(statement)
        if found is None:
            if statement.startswith("DROP VIEW"):
                raise ValueError(f"no rule for a view that is dropped: {statement[:80]}")
            tables.append(statement)
        elif found["replaces"] or found["name"] not in views:
            views[found["name"]] = statement
    read_by = {
        name: views.keys() & set(_READ.findall(statement)) - {name}
        for name, statement in views.items()
    }
    return [*tables, *(views[name] for name in TopologicalSorter(read_by).static_order())]
