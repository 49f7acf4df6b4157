"""Storing of backtests in ClickHouse: the configurations of a run and their cascades."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final

import orjson
from clickhouse_cityhash.cityhash import CityHash64

from liq.runtime.settings import Settings
from liq.sinks.clickhouse.opening import open_servers
from liq.sinks.clickhouse.shards import servers_of
from liq.sinks.clickhouse.writer import INSERT_SETTINGS

RUNS: Final = "backtest_runs"
CASCADES: Final = "backtest_cascades"
BATCH_ROWS: Final = 10_000
Row = Mapping[str, Any]


def store_backtest(
    settings: Settings, run_id: str, runs: Sequence[Row], cascades: Iterable[Row]
) -> None:
    """Insert a backtest into the shard of its id, the cascades first. Blocks.

    Rows map column names of the tables to values; decimals and times are texts.

    Raises:
        ConfigurationError: the schema is not the one that this engine writes to.
        clickhouse_connect.driver.exceptions.Error: an insert failed; repeating the backtest
            replaces the rows that are stored already.
    """
    servers = servers_of(settings)
    clients = open_servers(settings, servers)
    try:
        client = clients[CityHash64(run_id.encode()) % len(servers)]
        batch: list[Row] = []
        for row in cascades:
            batch.append(row)
            if len(batch) >= BATCH_ROWS:
                _insert(client, CASCADES, batch)
                batch = []
        _insert(client, CASCADES, batch)
        _insert(client, RUNS, runs)
    finally:
        for opened in clients:
            opened.close()


def _insert(client: Any, table: str, rows: Sequence[Row]) -> None:
    if rows:
        client.raw_insert(
            table,
            column_names=list(rows[0]),
            insert_block=BytesIO(b"\n".join(map(orjson.dumps, rows))),
            fmt="JSONEachRow",
            settings=INSERT_SETTINGS,
        )
