"""`liq migrate`: the schema of ClickHouse."""

from contextlib import closing
from typing import Annotated

import typer

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error, out


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def migrate(
    dry_run: Annotated[bool, typer.Option(help="Print the SQL that would be run.")] = False,
) -> None:
    """Bring the ClickHouse schema and retention up to date; safe to run from several places."""
    from liq.runtime.settings import load_settings
    from liq.sinks.clickhouse import migrations
    from liq.sinks.clickhouse.client import connect
    from liq.sinks.clickhouse.retention import retention_statements

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
        migrations.check_tables(client, database)
        retention = retention_statements(client, database, settings)
        migrations.run(client, database, retention)
    applied = [f"{item.version:04}_{item.name}" for item in planned.migrations]
    if planned.repairs:
        out.print(f"repaired: {', '.join(planned.repairs)}")
    out.print(f"applied: {', '.join(applied) or 'nothing, the schema is up to date'}")
    for statement in retention:
        out.print(f"retention: {statement}")
