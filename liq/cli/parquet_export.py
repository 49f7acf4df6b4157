"""`liq export --format parquet`: a topic's stored rows as files, with a folder for each day."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.parquet import (
    IncompleteFileError,
    exported_table,
    stored_days,
    write_day,
)

ANSWER_TIMEOUT_SECONDS = 600


def export_parquet(
    settings: Settings, topic: str, *, since: date | None, until: date | None, directory: Path
) -> None:
    """Write every stored day from `since` to before `until`; by default up to today, included.

    Raises:
        typer.BadParameter: the topic has no table in ClickHouse, or no day is given.
        ConfigurationError: the files cannot be written.
        DependencyError: a response of ClickHouse was cut off.
    """
    table = exported_table(settings.topics, topic)
    if table is None:
        raise typer.BadParameter(
            f"{topic} is not stored row by row; events, cascades, feeds and rejected are"
        )
    if since is None:
        raise typer.BadParameter("name the first day: --since 2026-07-08")
    end = until or datetime.now(UTC).date() + timedelta(days=1)
    if end <= since:
        raise typer.BadParameter(f"--until {end} has to be after --since {since}")
    client = connect(settings, as_reader=True, answer_timeout_seconds=ANSWER_TIMEOUT_SECONDS)
    with closing(client):
        days = stored_days(client, table, since, end)
        for day in days:
            try:
                path = write_day(client, table, day, directory)
            except IncompleteFileError as error:
                raise DependencyError(str(error)) from error
            except OSError as error:
                raise ConfigurationError(f"{directory} cannot be written to: {error}") from error
            typer.echo(f"{path} ({path.stat().st_size:,} bytes)")
    if not days:
        typer.echo(f"No rows of {topic} from {since} to {end}.", err=True)
