"""Migration of every server in the settings, and of the readers' database."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.sinks.clickhouse import migrations
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import Migration, Plan
from liq.sinks.clickhouse.partitions import check_partitions
from liq.sinks.clickhouse.retention import retention_statements
from liq.sinks.clickhouse.shards import (
    Server,
    check_cluster,
    check_place,
    check_readers_database,
    place_statements,
    reading_statements,
    servers_of,
)


@dataclass(slots=True)
class Installed:
    """The result: migrations that any server lacked, repaired differences, changed TTLs."""

    migrations: dict[int, Migration] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    retention: list[str] = field(default_factory=list)


def install(settings: Settings) -> Installed:
    """Migrate every server, and create the readers' database if there are shards.

    Raises:
        ConfigurationError: a server's tables belong to another engine, a newer release, or another
            number of shards. No server was changed.
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    done = Installed()
    with ExitStack() as opened:
        connected = _connect(opened, settings)
        plans = [_plan(client, server, settings) for client, server in connected]
        for (client, server), planned in zip(connected, plans, strict=True):
            done.migrations |= {each.version: each for each in planned.migrations}
            done.repairs += planned.repairs
            migrations.run(client, server.database, planned.statements)
            migrations.check_tables(client, server.database)
            retention = retention_statements(client, server.database, settings)
            migrations.run(client, server.database, retention)
            done.retention += retention
        for client, _ in connected:
            migrations.run(client, settings.clickhouse_database, _reading(settings))
    return done


def planned_statements(settings: Settings) -> Iterator[str]:
    """Yield the statements that `install` would run, with comments that name the server.

    Raises:
        ConfigurationError: as for `install`.
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    with ExitStack() as opened:
        connected = _connect(opened, settings)
        for client, server in connected:
            planned = _plan(client, server, settings)
            if server.count > 1:
                yield f"-- {server.url}, shard {server.number} of {server.count}"
            yield from (f"-- {repair}" for repair in planned.repairs)
            yield from planned.statements
            yield from retention_statements(client, server.database, settings)
        if settings.clickhouse_shards:
            yield "-- on every server, for readers"
            yield from _reading(settings)


def _connect(opened: ExitStack, settings: Settings) -> list[tuple[Client, Server]]:
    connected = []
    for server in servers_of(settings):
        client = connect(settings, use_database=False, url=server.url)
        opened.enter_context(closing(client))
        check_readers_database(client, settings)
        if settings.clickhouse_shards:
            check_cluster(client, settings)
        connected.append((client, server))
    return connected


def _plan(client: Client, server: Server, settings: Settings) -> Plan:
    knows_its_place = check_place(client, server)
    check_partitions(client, server.database, settings.clickhouse_partitions)
    planned = migrations.plan(
        client,
        server.database,
        cluster=settings.clickhouse_cluster,
        partitions=settings.clickhouse_partitions,
    )
    if server.count == 1 or knows_its_place:
        return planned
    return Plan(
        planned.migrations, (*planned.statements, *place_statements(server)), planned.repairs
    )


def _reading(settings: Settings) -> Sequence[str]:
    if not settings.clickhouse_shards:
        return ()
    schema = migrations.expected_schema()
    return reading_statements(settings, tuple(schema.tables), schema.views)
