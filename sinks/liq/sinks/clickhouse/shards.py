"""Shards: tables spread over several servers, and the database in which readers see them as one.

Every server has the tables in the database `<database>_shard`, with the rows whose sharding key
yields its number. The key depends only on the identity of a record, so one server gets all copies
of a record, and FINAL merges them there. In the readers' database, every server has a Distributed
table for each table, and the views over those.

A server stores its own number and the number of shards. Another count or order of the servers
would send copies of stored records elsewhere, and is rejected.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.keys import KEYS

SUFFIX: Final = "_shard"
PLACE_TABLE: Final = "shard_place"
# A subquery of a JOIN or IN runs once over all shards, which then receive its result.
JOIN_ON_READER: Final = "SETTINGS distributed_product_mode = 'global'"
UNKNOWN_TABLE, UNKNOWN_DATABASE = 60, 81


@dataclass(frozen=True, slots=True)
class Server:
    """A server that stores rows: its number (from 1), the number of servers, and its database."""

    number: int
    count: int
    url: str
    database: str


def servers_of(settings: Settings) -> tuple[Server, ...]:
    """Return the servers that store rows: the shards, or the only server."""
    urls = settings.clickhouse_shards or (settings.clickhouse_url,)
    database = settings.clickhouse_database + (SUFFIX if settings.clickhouse_shards else "")
    return tuple(Server(number, len(urls), url, database) for number, url in enumerate(urls, 1))


def place_statements(server: Server) -> tuple[str, ...]:
    """Return the statements that store a server's place among the shards."""
    table = f"{server.database}.{PLACE_TABLE}"
    columns = "(number UInt16, count UInt16)"
    engine = "ENGINE = ReplacingMergeTree ORDER BY tuple()"
    return (
        f"CREATE TABLE IF NOT EXISTS {table} {columns} {engine}",
        f"INSERT INTO {table} VALUES ({server.number}, {server.count})",  # noqa: S608 - our own names
    )


def check_place(client: Client, server: Server) -> bool:
    """Return whether a server has stored this place; False if it has not stored any yet.

    Raises:
        ConfigurationError: it is another shard, or belongs to another number of shards.
    """
    place = _stored_place(client, server.database)
    if place is None or place == (server.number, server.count):
        return place is not None
    raise ConfigurationError(
        f"The ClickHouse server {server.url} is shard {place[0]} of {place[1]} of database "
        f"{server.database}, and CLICKHOUSE_SHARDS says {server.number} of {server.count}. Set "
        f"CLICKHOUSE_SHARDS to its {place[1]} servers in their order. To have another number of "
        "shards, set CLICKHOUSE_DATABASE to another database, run `liq migrate` and load it again "
        "from Kafka (docs/clickhouse.md, Shards)."
    )


def check_readers_database(client: Client, settings: Settings) -> None:
    """Check that the readers' database matches the settings: one server, or shards.

    Raises:
        ConfigurationError: it has the tables of one server but the settings name shards, or the
            other way round.
    """
    database = settings.clickhouse_database
    found = client.query(
        "SELECT engine FROM system.tables "
        "WHERE database = {database:String} AND name = 'liquidations'",
        parameters={"database": database},
    ).result_rows
    if not found:
        return
    is_distributed = found[0][0] == "Distributed"
    if is_distributed and not settings.clickhouse_shards:
        place = _stored_place(client, database + SUFFIX)
        count = f"{place[1]} shards" if place else "shards"
        raise ConfigurationError(
            f"The ClickHouse database {database} is spread over {count}; set CLICKHOUSE_SHARDS to "
            "them, or CLICKHOUSE_DATABASE to another database."
        )
    if settings.clickhouse_shards and not is_distributed:
        raise ConfigurationError(
            f"The ClickHouse database {database} has its tables on one server, and "
            f"CLICKHOUSE_SHARDS names {len(settings.clickhouse_shards)}. Set CLICKHOUSE_DATABASE "
            "to another database, run `liq migrate` and load it again from Kafka "
            "(docs/clickhouse.md, Shards)."
        )


def reading_statements(
    settings: Settings, tables: Sequence[str], views: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the statements that create the readers' database: Distributed tables and the views.

    It contains no rows, so all of it can be created again whenever the tables change. `views` are
    the SELECTs by name.
    """
    database = settings.clickhouse_database
    shards = database + SUFFIX
    statements = [f"CREATE DATABASE IF NOT EXISTS {database}"]
    statements += [
        f"CREATE OR REPLACE TABLE {database}.{table} AS {shards}.{table} ENGINE = Distributed("
        f"'{settings.clickhouse_shards_cluster}', '{shards}', '{table}', {KEYS[table].sql})"
        for table in tables
    ]
    used = {
        name: {other for other in views if other != name and re.search(rf"\b{other}\b", select)}
        for name, select in views.items()
    }
    ordered = TopologicalSorter(used).static_order()
    statements += [
        f"CREATE OR REPLACE VIEW {name} AS\n{views[name]}\n{JOIN_ON_READER}" for name in ordered
    ]
    return tuple(statements)


def check_cluster(client: Client, settings: Settings) -> None:
    """Check that a server's cluster has as many shards as the settings.

    Raises:
        ConfigurationError: the server has no such cluster, or one of another size.
    """
    name = settings.clickhouse_shards_cluster
    [(count,)] = client.query(
        "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = {name:String}",
        parameters={"name": name},
    ).result_rows
    if count != len(settings.clickhouse_shards):
        raise ConfigurationError(
            f"The ClickHouse server's cluster {name!r} has {count} shards, and CLICKHOUSE_SHARDS "
            f"names {len(settings.clickhouse_shards)}; list the same servers, in the same order, "
            "in the servers' `remote_servers`, or set CLICKHOUSE_SHARDS_CLUSTER."
        )


def _stored_place(client: Client, database: str) -> tuple[int, int] | None:
    try:
        rows = client.query(f"SELECT number, count FROM {database}.{PLACE_TABLE} FINAL").result_rows  # noqa: S608 - our own names
    except DatabaseError as error:
        if error.code in {UNKNOWN_TABLE, UNKNOWN_DATABASE}:
            return None
        raise
    return (rows[0][0], rows[0][1]) if rows else None
