"""The tables and views that the migrations make, and how those of a database differ.

What a database has is compared with the SQL itself, because the journal only says what was run: a
table that was dropped, restored from elsewhere or changed by hand is in no journal.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from clickhouse_connect.driver.client import Client

# A type is a word, perhaps with parameters in parentheses, which may be nested.
_TYPE: Final = r"(?P<type>\w+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?)"
_NO_TYPES: Final = frozenset({"CODEC", "COMMENT", "REMOVE", "TTL", "DEFAULT", "ALIAS", "SETTINGS"})
_CREATE_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)\s*\(\n(.*?)\n\)", re.DOTALL)
_ALTER_TABLE: Final = re.compile(r"ALTER TABLE (\w+)\n(.*)", re.DOTALL)
_VIEW: Final = re.compile(r"CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?(\w+) AS\b")
_DROP: Final = re.compile(r"DROP (?:TABLE|VIEW) (?:IF EXISTS )?(\w+)")
_COLUMN: Final = re.compile(rf"^ *(?P<name>\w+) +{_TYPE}", re.MULTILINE)
_CHANGED: Final = re.compile(
    rf"(?:ADD COLUMN(?: IF NOT EXISTS)?|MODIFY COLUMN(?: IF EXISTS)?) (?P<name>\w+) {_TYPE}"
)
_DROPPED: Final = re.compile(r"DROP COLUMN (?:IF EXISTS )?(\w+)")


@dataclass(slots=True)
class Schema:
    """Tables with their columns and types, and the names of views."""

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    views: set[str] = field(default_factory=set)


def schema_of(statements: Iterable[str]) -> Schema:
    """Return what statements make of an empty database; only the forms that migrations use."""
    schema = Schema()
    for statement in statements:
        if found := _CREATE_TABLE.match(statement):
            columns = _COLUMN.finditer(found[2])
            made = {each["name"]: each["type"] for each in columns if each["name"] != "INDEX"}
            schema.tables.setdefault(found[1], made)
        elif found := _ALTER_TABLE.match(statement):
            _alter(schema.tables[found[1]], found[2])
        elif found := _VIEW.match(statement):
            schema.views.add(found[1])
        elif found := _DROP.match(statement):
            schema.tables.pop(found[1], None)
            schema.views.discard(found[1])
    return schema


def _alter(columns: dict[str, str], changes: str) -> None:
    for column in _CHANGED.finditer(changes):
        if column["type"].partition("(")[0] not in _NO_TYPES:
            columns[column["name"]] = column["type"]
    for dropped in _DROPPED.finditer(changes):
        columns.pop(dropped[1], None)


def stored_schema(client: Client, database: str) -> Schema:
    """Return what a database has. Blocks while it asks.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    schema = Schema()
    parameters = {"database": database}
    names = client.query(
        "SELECT name, engine IN ('View', 'ParameterizedView') FROM system.tables "
        "WHERE database = {database:String}",
        parameters=parameters,
    )
    for name, is_view in names.result_rows:
        if is_view:
            schema.views.add(name)
        else:
            schema.tables[name] = {}
    columns = client.query(
        "SELECT table, name, type FROM system.columns WHERE database = {database:String}",
        parameters=parameters,
    )
    for table, name, kind in columns.result_rows:
        if table in schema.tables:
            schema.tables[table][name] = kind
    return schema


def table_differences(expected: Schema, found: Schema) -> list[str]:
    """Say what tables lack, a phrase each. Columns that an operator has added are no difference."""
    differences: list[str] = []
    for table, columns in expected.tables.items():
        stored = found.tables.get(table)
        if stored is None:
            differences.append(f"table {table} is missing")
            continue
        for name, kind in columns.items():
            if name not in stored:
                differences.append(f"column {table}.{name} is missing")
            elif _plain(stored[name]) != _plain(kind):
                differences.append(f"column {table}.{name} is {stored[name]} instead of {kind}")
    return differences


def differences(expected: Schema, found: Schema) -> list[str]:
    """Say what tables and views a database lacks, a phrase each."""
    missing = sorted(expected.views - found.views)
    return [*table_differences(expected, found), *(f"view {name} is missing" for name in missing)]


def _plain(kind: str) -> str:
    return "".join(kind.split())
