"""Migrations: numbered SQL files, applied forward only and recorded with their checksums.

ClickHouse has no transactional DDL, so every statement is safe to run again. An interrupted file
runs again from its start, and several workers may migrate at the same time.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.runtime.errors import ConfigurationError
from liq.sinks.clickhouse.cluster import for_cluster
from liq.sinks.clickhouse.fresh import at_once
from liq.sinks.clickhouse.partitions import Partitions, for_partitions
from liq.sinks.clickhouse.schema import (
    Schema,
    schema_of,
    storage_differences,
    stored_schema,
    table_differences,
    view_differences,
)

SYSTEM_DATABASE = "system"  # every server has it
MAX_SHOWN = 5
UNKNOWN_TABLE = 60
UNKNOWN_DATABASE = 81
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_END_OF_STATEMENT = re.compile(r";\s*$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^\s*--.*$", re.MULTILINE)

CREATE_JOURNAL = """
CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(
    version    UInt32,
    name       String,
    checksum   String COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    checksum: str
    statements: tuple[str, ...]


@cache
def known_migrations() -> tuple[Migration, ...]:
    """Return the migrations of this release, in order."""
    directory = files("liq.sinks.clickhouse").joinpath("migrations")
    migrations = [
        parse_migration(entry.name, entry.read_text(encoding="utf-8"))
        for entry in directory.iterdir()
        if entry.name.endswith(".sql")
    ]
    return tuple(sorted(migrations, key=lambda migration: migration.version))


@cache
def expected_schema() -> Schema:
    """Return the tables and views after all migrations."""
    return schema_of(text for item in known_migrations() for text in item.statements)


def parse_migration(file_name: str, text: str) -> Migration:
    """Split a file into statements. A statement ends with a semicolon at the end of a line.

    Raises:
        ValueError: the file's name does not have the form 0001_tables.sql.
    """
    match = _FILE_NAME.fullmatch(file_name)
    if match is None:
        raise ValueError(f"{file_name}: name migrations like 0001_tables.sql")
    pieces = _END_OF_STATEMENT.split(_COMMENT_LINE.sub("", text))
    statements = tuple(piece.strip() for piece in pieces if piece.strip())
    return Migration(int(match[1]), match[2], sha256(text.encode()).hexdigest(), statements)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that bring a database up to date: pending migrations, and all statements to run.

    `repairs` describes the differences of tables and views from the applied migrations. If a table
    differs, every migration runs again; if only views differ, those views are created again. An
    empty database gets each view once, in its last form (`fresh`).
    """

    migrations: tuple[Migration, ...]
    statements: tuple[str, ...]
    repairs: tuple[str, ...] = ()


def plan(
    client: Client, database: str, *, cluster: str = "", partitions: Partitions = "month"
) -> Plan:
    """Return what `migrate` would do. `client` may be connected to any database.

    Raises:
        ConfigurationError: a newer or another engine has changed the database, or a table has
            another storage engine or key.
    """
    applied = applied_checksums(client, database)
    _refuse_foreign(applied or {}, database)
    pending = [item for item in known_migrations() if item.version not in (applied or {})]
    tables, views = _repairs(client, database, applied or {})
    if tables:
        pending = list(known_migrations())
    statements: list[str] = []
    if applied is None:
        create = f"CREATE DATABASE IF NOT EXISTS {_quoted(database)}"
        journal = CREATE_JOURNAL.format(database=_quoted(database)).strip()
        statements += [for_cluster(create, cluster), for_cluster(journal, cluster)]
    if views and not tables:
        statements += [for_cluster(_view_statement(name), cluster) for name in views]
    # An interrupted step runs again from its start, because its journal entry comes last.
    steps = [[each] for each in pending] if applied else [pending]
    for step in steps:
        texts = [text for each in step for text in each.statements]
        statements += [
            for_cluster(for_partitions(text, partitions), cluster)
            for text in (texts if applied else at_once(texts))
        ]
        statements.append(_journal_statement(database, step))
    return Plan(tuple(pending), tuple(statements), (*tables, *views.values()))


def migrate(client: Client, database: str, *, cluster: str = "") -> tuple[Migration, ...]:
    """Bring the database up to date; return the applied migrations.

    It creates the database and its journal if they are missing.

    Raises:
        ConfigurationError: a newer or another engine has changed the database.
    """
    planned = plan(client, database, cluster=cluster)
    run(client, database, planned.statements)
    check_tables(client, database)
    return planned.migrations


def check_tables(client: Client, database: str) -> None:
    """Check that a migrated database has the tables and views of the migrations.

    Raises:
        ConfigurationError: it differs although it was migrated; the message names the remedy.
    """
    stored = stored_schema(client, database)
    _refuse_differences(
        database,
        [
            *storage_differences(expected_schema(), stored),
            *table_differences(expected_schema(), stored),
            *view_differences(client, expected_schema(), stored).values(),
        ],
    )


def run(client: Client, database: str, statements: Iterable[str]) -> None:
    """Run statements, which name no database, in `database`."""
    for statement in statements:
        # The database to create may be the server's default, so the request must not use it.
        where = SYSTEM_DATABASE if statement.startswith("CREATE DATABASE") else database
        client.command(statement, use_database=False, settings={"database": where})


def check_schema(client: Client, database: str) -> None:
    """Check that the database has exactly the schema that this engine writes to.

    Raises:
        ConfigurationError: it is missing, older, newer, or was created by other files; the message
            names the remedy.
    """
    applied = applied_checksums(client, database)
    if applied is None:
        raise ConfigurationError(
            f"The ClickHouse database {database} has no tables of this engine; run `liq migrate`."
        )
    _refuse_foreign(applied, database)
    missing = [item for item in known_migrations() if item.version not in applied]
    if missing:
        names = ", ".join(f"{item.version:04}_{item.name}" for item in missing)
        raise ConfigurationError(
            f"The ClickHouse database {database} lacks the migrations {names}; run `liq migrate`."
        )
    # A sink's user need not have access to the views.
    stored = stored_schema(client, database)
    _refuse_differences(database, storage_differences(expected_schema(), stored))
    found = table_differences(expected_schema(), stored)
    if found:
        raise ConfigurationError(
            f"The ClickHouse database {database} is not what its migrations made: "
            f"{_shown(found)}; run `liq migrate`."
        )


def applied_checksums(client: Client, database: str) -> dict[int, str] | None:
    """Return the checksums in the journal by version; None if there is no journal yet."""
    try:
        result = client.query(
            f"SELECT version, checksum FROM {_quoted(database)}.schema_migrations FINAL",  # noqa: S608 - a checked identifier
        )
    except DatabaseError as error:
        if error.code in {UNKNOWN_TABLE, UNKNOWN_DATABASE}:
            return None
        raise
    return {int(version): str(checksum) for version, checksum in result.result_rows}


def _repairs(
    client: Client, database: str, applied: dict[int, str]
) -> tuple[list[str], dict[str, str]]:
    """Describe the differences of tables, and of views by name, from the applied migrations."""
    if not applied:
        return [], {}
    made = schema_of(
        text for item in known_migrations() if item.version in applied for text in item.statements
    )
    stored = stored_schema(client, database)
    # Running the migrations again cannot repair these, and views need tables that deduplicate.
    _refuse_differences(database, storage_differences(made, stored))
    return table_differences(made, stored), view_differences(client, made, stored)


def _refuse_differences(database: str, found: Sequence[str]) -> None:
    if found:
        raise ConfigurationError(
            f"The ClickHouse database {database} is not what the migrations make: "
            f"{_shown(found)}. Migrating does not change that; alter it by hand, or set "
            "CLICKHOUSE_DATABASE to another database, run `liq migrate` and load it again from "
            "Kafka."
        )


def _view_statement(name: str) -> str:
    """Return the statement that creates a view in its newest form."""
    return f"CREATE OR REPLACE VIEW {name} AS\n{expected_schema().views[name]}"


def _journal_statement(database: str, applied: Iterable[Migration]) -> str:
    """Return the statement that records migrations as applied."""
    rows = ", ".join(f"({each.version}, '{each.name}', '{each.checksum}')" for each in applied)
    return (
        f"INSERT INTO {_quoted(database)}.schema_migrations (version, name, checksum) "  # noqa: S608 - a checked identifier
        f"VALUES {rows}"
    )


def _shown(found: Sequence[str]) -> str:
    more = f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    return ", ".join(found[:MAX_SHOWN]) + more


def _refuse_foreign(applied: dict[int, str], database: str) -> None:
    known = {item.version: item for item in known_migrations()}
    unknown = sorted(applied.keys() - known.keys())
    if unknown:
        raise ConfigurationError(
            f"The ClickHouse database {database} has migration {unknown[-1]:04}, which this "
            "engine does not know; it was made by a newer version. Install that version, or set "
            "CLICKHOUSE_DATABASE to another database and run `liq migrate`."
        )
    for version, checksum in sorted(applied.items()):
        if checksum != known[version].checksum:
            raise ConfigurationError(
                f"Migration {version:04}_{known[version].name} was applied to the ClickHouse "
                f"database {database} with other contents (checksum {checksum[:12]}, here "
                f"{known[version].checksum[:12]}). Set CLICKHOUSE_DATABASE to another database, "
                "run `liq migrate` and load it again from Kafka."
            )


def _quoted(identifier: str) -> str:
    escaped = identifier.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
