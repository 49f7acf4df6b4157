"""The tables and views after the migrations, and their differences from those of a database.

The database is compared with the SQL itself, because the journal only lists what was run. It does
not show a table that was dropped, restored from elsewhere or changed by hand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from clickhouse_connect.driver.binding import format_str
from clickhouse_connect.driver.client import Client

from liq.sinks.clickhouse.partitions import by_month

# A type is a word with optional parameters in parentheses, which may be nested.
_TYPE: Final = r"(?P<type>\w+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?)"
_NO_TYPES: Final = frozenset({"CODEC", "COMMENT", "REMOVE", "TTL", "DEFAULT", "ALIAS", "SETTINGS"})
_CREATE_TABLE: Final = re.compile(
    r"CREATE TABLE IF NOT EXISTS (\w+)\s*\(\n(.*?)\n\)\n(.*)", re.DOTALL
)
_STORAGE: Final = re.compile(
    r"ENGINE = (?P<engine>\w+\(\w*\))\s+"
    r"(?:PARTITION BY (?P<partition>.+?)\s+)?ORDER BY (?P<order>.+?)(?:\s+SETTINGS .*)?$",
    re.DOTALL,
)
_ALTER_TABLE: Final = re.compile(r"ALTER TABLE (\w+)\n(.*)", re.DOTALL)
VIEW: Final = re.compile(
    r"CREATE (?P<replaces>OR REPLACE )?VIEW (?:IF NOT EXISTS )?(?P<name>\w+) AS\b\s*(?P<select>.*)",
    re.DOTALL,
)
_DROP: Final = re.compile(r"DROP (?:TABLE|VIEW) (?:IF EXISTS )?(\w+)")
_COLUMN: Final = re.compile(rf"^ *(?P<name>\w+) +{_TYPE}", re.MULTILINE)
_CHANGED: Final = re.compile(
    rf"(?:ADD COLUMN(?: IF NOT EXISTS)?|MODIFY COLUMN(?: IF EXISTS)?) (?P<name>\w+) {_TYPE}"
)
_ORDERED: Final = re.compile(r"MODIFY ORDER BY (\([^)]*\))")
_DROPPED: Final = re.compile(r"DROP COLUMN (?:IF EXISTS )?(\w+)")
# On a cluster the engine is the replicated one; its first arguments are path and replica name.
_ENGINE: Final = re.compile(
    r"(?:Replicated|Shared)?(?P<name>\w+)(?:\((?:'[^']*'(?:, )?)*(?P<version>\w*)\))?"
)


@dataclass(frozen=True, slots=True)
class Storage:
    """A table's engine, order key and partition key."""

    engine: str
    order_key: str
    partition_key: str


@dataclass(slots=True)
class Schema:
    """The tables with their columns' types and storage, and the views with their SELECT."""

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)


def schema_of(statements: Iterable[str]) -> Schema:
    """Return the schema after statements in an empty database; supports the migrations' forms."""
    schema = Schema()
    for statement in statements:
        if found := _CREATE_TABLE.match(statement):
            columns = _COLUMN.finditer(found[2])
            made = {each["name"]: each["type"] for each in columns if each["name"] != "INDEX"}
            if found[1] not in schema.tables:
                schema.tables[found[1]] = made
                schema.storages[found[1]] = _written_storage(found[3])
        elif found := _ALTER_TABLE.match(statement):
            _alter(schema.tables[found[1]], found[2])
            if ordered := _ORDERED.search(found[2]):
                old = schema.storages[found[1]]
                schema.storages[found[1]] = replace(old, order_key=_plain_key(ordered[1]))
        elif found := VIEW.match(statement):
            if found["replaces"] or found["name"] not in schema.views:
                schema.views[found["name"]] = found["select"]
        elif found := _DROP.match(statement):
            schema.tables.pop(found[1], None)
            schema.storages.pop(found[1], None)
            schema.views.pop(found[1], None)
    return schema


def _written_storage(text: str) -> Storage:
    found = _STORAGE.match(text)
    if found is None:
        raise ValueError(f"no rule for a table's storage: {text[:80]}")
    return Storage(
        _plain_engine(found["engine"]), _plain_key(found["order"]), _plain_key(found["partition"])
    )


def _alter(columns: dict[str, str], changes: str) -> None:
    for column in _CHANGED.finditer(changes):
        if column["type"].partition("(")[0] not in _NO_TYPES:
            columns[column["name"]] = column["type"]
    for dropped in _DROPPED.finditer(changes):
        columns.pop(dropped[1], None)


def stored_schema(client: Client, database: str) -> Schema:
    """Return the schema of a database. Blocks.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    schema = Schema()
    parameters = {"database": database}
    found = client.query(
        "SELECT name, engine, engine_full, sorting_key, partition_key, as_select"
        " FROM system.tables WHERE database = {database:String}",
        parameters=parameters,
    )
    for name, engine, engine_full, order_key, partition_key, select in found.result_rows:
        if engine in {"View", "ParameterizedView"}:
            schema.views[name] = _without_database(select, database)
        else:
            schema.tables[name] = {}
            schema.storages[name] = Storage(
                _plain_engine(engine_full), _plain_key(order_key), _plain_key(partition_key)
            )
    columns = client.query(
        "SELECT table, name, type FROM system.columns WHERE database = {database:String}",
        parameters=parameters,
    )
    for table, name, kind in columns.result_rows:
        if table in schema.tables:
            schema.tables[table][name] = kind
    return schema


def table_differences(expected: Schema, found: Schema) -> list[str]:
    """Return a phrase for each missing or changed table or column; extra columns are ignored."""
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


def storage_differences(expected: Schema, found: Schema) -> list[str]:
    """Return a phrase for each table with another engine or key, which no statement can change."""
    return [
        f"the {what} of table {table} is {is_now or 'empty'} instead of {wanted or 'empty'}"
        for table, storage in expected.storages.items()
        if (stored := found.storages.get(table)) is not None
        for what, is_now, wanted in (
            ("engine", stored.engine, storage.engine),
            ("order key", stored.order_key, storage.order_key),
            ("partition key", by_month(stored.partition_key), storage.partition_key),
        )
        if is_now != wanted
    ]


def view_differences(client: Client, expected: Schema, found: Schema) -> dict[str, str]:
    """Map each view that is missing or has another query to a phrase that describes this.

    ClickHouse stores a view's query in its own format, so it also formats the expected queries.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    missing = expected.views.keys() - found.views.keys()
    differences = {name: f"view {name} is missing" for name in missing}
    names = sorted(expected.views.keys() - missing)
    wanted = _formatted(client, [expected.views[name] for name in names])
    stored = _formatted(client, [found.views[name] for name in names])
    for name, one, other in zip(names, wanted, stored, strict=True):
        if one != other:
            differences[name] = f"view {name} asks something else than it should"
    return dict(sorted(differences.items()))


def _formatted(client: Client, selects: Sequence[str]) -> list[str]:
    if not selects:
        return []
    # The client sends a long parameter as a form, which the embedded server does not support.
    texts = ", ".join(map(format_str, selects))
    result = client.query(f"SELECT arrayMap(each -> formatQuerySingleLine(each), [{texts}])")
    return list(map(str, result.result_rows[0][0]))


def _without_database(select: str, database: str) -> str:
    return re.sub(rf"\b(FROM|JOIN) `?{database}`?\.", r"\1 ", select)


def _plain(kind: str) -> str:
    return "".join(kind.split())


def _plain_key(key: str | None) -> str:
    text = (key or "").strip()
    # ClickHouse shows "(a, b)" as "a, b"; "f(a), g(b)" has no outer parentheses.
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _plain_engine(engine: str) -> str:
    found = _ENGINE.match(engine)
    return f"{found['name']}({found['version'] or ''})" if found else engine
