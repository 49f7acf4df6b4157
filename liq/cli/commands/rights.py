"""`liq rights`: the rights of logins on Kafka and ClickHouse."""

from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error

app = typer.Typer(help="Print what logins need on Kafka and ClickHouse; changes nothing.")


@app.command()
@exits_on_configuration_error
def kafka(
    workers: Annotated[
        list[str] | None, typer.Argument(help="Kinds of worker; all of them if absent.")
    ] = None,
    principal: Annotated[
        str, typer.Option(help="The principal; {worker} stands for the kind of worker.")
    ] = "User:liq-{worker}",
) -> None:
    """Print the ACLs of each kind of worker, of the operator and of readers, for kafka-acls.sh."""
    from liq.cli.rights.kafka import WORKERS, commands
    from liq.runtime.errors import ConfigurationError
    from liq.runtime.settings import load_settings

    unknown = [each for each in workers or () if each not in WORKERS]
    if unknown:
        raise ConfigurationError(
            f"There is no worker {unknown[0]}; name some of {', '.join(WORKERS)}."
        )
    for line in commands(load_settings(), workers or WORKERS, principal):
        typer.echo(line)


@app.command()
@exits_on_configuration_error
def clickhouse(
    prefix: Annotated[str, typer.Option(help="How the users' names begin.")] = "liq_",
) -> None:
    """Print the SQL of the users that migrate, load and read; choose their passwords."""
    from liq.cli.rights.clickhouse import statements
    from liq.runtime.settings import load_settings

    settings = load_settings()
    typer.echo(statements(settings.clickhouse_database, prefix, settings.clickhouse_cluster))
