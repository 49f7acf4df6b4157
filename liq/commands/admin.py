"""`liq config`, `topics` and `migrate`: looking after a deployment."""

import asyncio
import os
from contextlib import closing
from typing import Annotated

import typer
from rich.table import Column, Table

from liq.console import exits_on_configuration_error, out
from liq.exchanges import configured_exchanges
from producers.feed_settings import feed_settings
from producers.live import chosen_targets
from producers.registry import ALL_FEEDS, producible_exchanges
from runtime.logs import configure_logging
from runtime.settings import Settings, load_settings
from runtime.topics import describe_topics, ensure_topics
from sinks.clickhouse import migrations
from sinks.clickhouse.client import connect
from sinks.clickhouse.retention import retention_statements


@exits_on_configuration_error
def config() -> None:
    """Print the settings that are in force, secrets masked."""
    settings = load_settings()
    # Wrong addresses are refused here as they are by `liq produce`.
    chosen_targets(settings.exchanges or producible_exchanges(), os.environ)
    table = Table("setting", "value", "meaning", title="Settings in force")
    for name, value in settings.masked().items():
        table.add_row(name, value, Settings.model_fields[name.lower()].description)
    out.print(table)
    value_column = Column("value", overflow="fold")
    table = Table("setting", value_column, "meaning", title="Settings of feeds in force")
    for setting in feed_settings(ALL_FEEDS):
        value = os.environ.get(setting.name) or setting.default
        table.add_row(setting.name, value, setting.meaning)
    out.print(table)


@exits_on_configuration_error
def topics(
    check: Annotated[bool, typer.Option(help="Only compare; create nothing.")] = False,
) -> None:
    """Create missing topics, and check partitions, retention and compaction of the others."""
    settings = load_settings()
    configure_logging(settings, worker="topics")
    if not check:
        asyncio.run(ensure_topics(settings, configured_exchanges(settings)))
    table = Table("topic", "partitions", "cleanup", "retention", "key", title="Topics")
    for topic in asyncio.run(describe_topics(settings, configured_exchanges(settings))):
        table.add_row(*topic.cells())
    out.print(table)


@exits_on_configuration_error
def migrate(
    dry_run: Annotated[bool, typer.Option(help="Print the SQL that would be run.")] = False,
) -> None:
    """Bring the ClickHouse schema and retention up to date; safe to run from several places."""
    settings = load_settings()
    database, cluster = settings.clickhouse_database, settings.clickhouse_cluster
    with closing(connect(settings, use_database=False)) as client:
        planned = migrations.plan(client, database, cluster=cluster)
        if dry_run:
            retention = retention_statements(client, database, settings)
            for statement in (*planned.statements, *retention):
                typer.echo(f"{statement};\n")
            return
        migrations.run(client, database, planned.statements)
        retention = retention_statements(client, database, settings)
        migrations.run(client, database, retention)
    applied = [f"{item.version:04}_{item.name}" for item in planned.migrations]
    out.print(f"applied: {', '.join(applied) or 'nothing, the schema is up to date'}")
    for statement in retention:
        out.print(f"retention: {statement}")
