"""`liq migrate`: the schema of ClickHouse."""

from typing import Annotated

import typer

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error, out


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def migrate(
    dry_run: Annotated[bool, typer.Option(help="Print the SQL that would be run.")] = False,
) -> None:
    """Update the schema and the retention in ClickHouse; safe to run from several processes."""
    from liq.runtime.settings import load_settings
    from liq.sinks.clickhouse.installation import install, planned_statements

    settings = load_settings()
    if dry_run:
        for statement in planned_statements(settings):
            typer.echo(statement if statement.startswith("--") else f"{statement};\n")
        return
    done = install(settings)
    applied = [f"{version:04}_{item.name}" for version, item in sorted(done.migrations.items())]
    if done.repairs:
        out.print(f"repaired: {', '.join(done.repairs)}")
    out.print(f"applied: {', '.join(applied) or 'nothing, the schema is up to date'}")
    for statement in done.retention:
        out.print(f"retention: {statement}")
