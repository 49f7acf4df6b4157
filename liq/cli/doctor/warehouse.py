"""The check of ClickHouse: schema, rights and clock."""

import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from liq.cli.doctor.findings import Check, Level
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import check_schema
from liq.sinks.clickhouse.shards import servers_of
from liq.sinks.clickhouse.tables import POSITION_COLUMNS, TABLES

CHECK: Final = "clickhouse"
MAX_SENTENCE_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class ClickHouseSeen:
    """The findings; `clock_ms` is this host's clock minus the server's."""

    checks: tuple[Check, ...]
    clock_ms: int | None = None


def examine_clickhouse(settings: Settings) -> ClickHouseSeen:
    """Check the server without changes."""
    try:
        client = connect(settings, use_database=False)
    except Error as error:
        return ClickHouseSeen((_cannot_connect(settings, error),))
    with closing(client):
        version = f"ClickHouse {client.server_version} at {settings.clickhouse_url} answers."
        checks = [Check(CHECK, Level.OK, version)]
        clock_ms = None
        try:
            clock_ms = _clock_ms(client)
            check_schema(client, servers_of(settings)[0].database)
        except ConfigurationError as error:
            checks.append(Check("clickhouse schema", Level.FAILED, str(error)))
        except Error as error:
            checks.append(Check("clickhouse schema", Level.FAILED, _sentence(error)))
        else:
            checks.append(Check("clickhouse schema", Level.OK, "The schema is up to date."))
            checks.append(_rights(client, settings.clickhouse_database))
    return ClickHouseSeen(tuple(checks), clock_ms)


def _clock_ms(client: Client) -> int:
    before_ms = time.time_ns() // 1_000_000
    [[server_ms]] = client.query("SELECT toUnixTimestamp64Milli(now64(3))").result_rows
    after_ms = time.time_ns() // 1_000_000
    return (before_ms + after_ms) // 2 - int(server_ms)


def _rights(client: Client, database: str) -> Check:
    """Insert and select zero rows in every table, which needs the same rights as many rows."""
    columns = ", ".join(POSITION_COLUMNS)
    denied = []
    for table in TABLES:
        name = f"`{database}`.`{table.name}`"
        nothing = "SELECT '', 0, 0 WHERE 0"
        for right, statement in (
            ("INSERT", f"INSERT INTO {name} ({columns}) {nothing}"),
            ("SELECT", f"SELECT {columns} FROM {name} LIMIT 0"),  # noqa: S608 - checked identifiers
        ):
            try:
                client.command(statement)
            except Error as error:
                denied.append(f"{right} on {table.name}: {_sentence(error)}")
    if denied:
        text = (
            f"{len(denied)} rights are missing, such as {denied[0]} Grant INSERT (the sink) and "
            "SELECT (queries) as docs/clickhouse.md says."
        )
        return Check("clickhouse rights", Level.FAILED, text)
    return Check("clickhouse rights", Level.OK, "Every table can be written and read.")


def _cannot_connect(settings: Settings, error: Error) -> Check:
    level = Level.NOT_REACHED if error.code is None else Level.FAILED
    return Check(
        CHECK,
        level,
        f"ClickHouse at {settings.clickhouse_url} cannot be used: {_sentence(error)} Check "
        "CLICKHOUSE_URL, CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    )


def _sentence(error: Error) -> str:
    text = " ".join(str(error).split())[:MAX_SENTENCE_CHARACTERS]
    return text if text.endswith(".") else f"{text}."
