"""The partitions of the large tables: a month or a day each."""

import re
from typing import Final, Literal

from clickhouse_connect.driver.client import Client

from liq.runtime.errors import ConfigurationError

Partitions = Literal["month", "day"]
FUNCTIONS: Final[dict[Partitions, str]] = {"month": "toYYYYMM", "day": "toYYYYMMDD"}
_BY_MONTH: Final = re.compile(r"\bPARTITION BY toYYYYMM\(")


def for_partitions(statement: str, partitions: Partitions) -> str:
    """Convert a migration's statement, which is written for months, to the wanted partitions."""
    if not statement.startswith("CREATE TABLE"):
        return statement
    return _BY_MONTH.sub(f"PARTITION BY {FUNCTIONS[partitions]}(", statement)


def by_month(partition_key: str) -> str:
    """Convert a partition key to the form in the migrations, by month."""
    return partition_key.replace(f"{FUNCTIONS['day']}(", f"{FUNCTIONS['month']}(")


def check_partitions(client: Client, database: str, wanted: Partitions) -> None:
    """Check that the tables, if they exist, have the wanted partitions.

    Raises:
        ConfigurationError: the tables have other partitions, which no statement can change.
    """
    rows = client.query(
        "SELECT partition_key FROM system.tables "
        "WHERE database = {database:String} AND name = 'liquidations'",
        parameters={"database": database},
    ).result_rows
    key = str(rows[0][0]) if rows else ""
    for partitions, function in FUNCTIONS.items():
        if key.startswith(f"{function}(") and partitions != wanted:
            raise ConfigurationError(
                f"The tables of the ClickHouse database {database} have partitions of a "
                f"{partitions}, and CLICKHOUSE_PARTITIONS is {wanted}. Partitions of tables that "
                f"are there cannot be changed: set CLICKHOUSE_PARTITIONS={partitions}, or set "
                "CLICKHOUSE_DATABASE to another database, run `liq migrate` and load it again from "
                "Kafka."
            )
