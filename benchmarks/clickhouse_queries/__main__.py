"""The cookbook's queries on many liquidations: milliseconds each, cold and warm, and bytes a row.

    python -m benchmarks.clickhouse_queries [--rows 10000000] [--days 30] [--data-dir DIR]
    python -m benchmarks.clickhouse_queries --rows 100000000 --days 100

Rows are generated inside ClickHouse, by SQL: four hundred assets by Zipf's law (one in eight rows
is BTC), five exchanges, random ids of 128 bits, a hundred planted cascades in ten million rows.
They arrive in time order in inserts of 250,000 rows, and the newest 1 % arrives twice, so that
FINAL has duplicates to merge. The server is that of the tests (CLICKHOUSE, CLICKHOUSE_URL), with
its two caches of results disabled. The time of a query includes the client's. Warm is the best of
seven runs, to exclude other load of the machine. Cold is the first run after dropping the server's
caches and, with an own data directory, the operating system's for its files. With --data-dir the
rows are kept and used again.

The last table describes a stored table of minutes, as of a refreshable view: the duration of its
refresh and its savings.
"""

# ruff: noqa: S608 - the SQL is made of constants of this file

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from benchmarks.clickhouse_queries.questions import (
    MAKE_MINUTES,
    MINUTES,
    QUESTIONS,
    REFRESH,
    REFRESHES,
    STORED_SERIES,
)
from benchmarks.clickhouse_queries.rows import fill
from liq.devstack.options import load_stack_options
from liq.devstack.supervisor import Supervisor
from liq.devstack.warehouse import choose_warehouse
from liq.runtime.settings import load_settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate

DATABASE = "benchmark"
REPEATS = 7
LIMIT_BYTES_A_ROW = 50
# A cached result would not show the time of the next, different query.
SETTINGS = {"use_query_cache": 0, "use_query_condition_cache": 0}


def bytes_a_row(client: Client) -> tuple[int, int, float]:
    """Return the parts, the stored rows (with copies), and bytes a row on disk with indexes."""
    parts, rows, size = client.query(
        "SELECT count(), sum(rows), sum(bytes_on_disk) FROM system.parts"
        " WHERE database = currentDatabase() AND table = 'liquidations' AND active"
    ).result_rows[0]
    return parts, rows, size / rows


def bytes_by_column(client: Client) -> list[tuple[str, float]]:
    """Return the bytes a row of each column, largest first."""
    return [
        (name, float(size))
        for name, size in client.query(
            "SELECT column, sum(column_bytes_on_disk) / sum(rows) AS size"
            " FROM system.parts_columns"
            " WHERE database = currentDatabase() AND table = 'liquidations' AND active"
            " GROUP BY column ORDER BY size DESC"
        ).result_rows
    ]


@dataclass(frozen=True, slots=True)
class Taken:
    """The milliseconds of a query: first without any cache, then the best and the median."""

    cold: float
    best: float
    median: float
    rows: int


def asked(client: Client, sql: str) -> tuple[float, int]:
    """Return the milliseconds of a query, and the number of its rows."""
    started = time.perf_counter()
    rows = len(client.query(sql, settings=SETTINGS).result_rows)
    return (time.perf_counter() - started) * 1000, rows


def milliseconds(client: Client, sql: str, directory: Path | None) -> Taken:
    forget(client, directory)
    cold, _ = asked(client, sql)
    times, rows = zip(*(asked(client, sql) for _ in range(REPEATS)), strict=True)
    return Taken(cold, min(times), statistics.median(times), rows[0])


def forget(client: Client, directory: Path | None) -> None:
    """Drop the server's caches, and the operating system's caches of its files."""
    for cache in ("MARK", "UNCOMPRESSED", "INDEX MARK", "INDEX UNCOMPRESSED"):
        client.command(f"SYSTEM DROP {cache} CACHE")
    # A merge may remove a folder meanwhile, which os.walk skips.
    for folder, _, names in () if directory is None else os.walk(directory):
        for name in names:
            with suppress(OSError), Path(folder, name).open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def report(client: Client, directory: Path | None) -> bool:
    """Print the tables; return False if a limit was missed."""
    distinct = client.query("SELECT count() FROM liquidations FINAL").result_rows[0][0]
    parts, rows, size = bytes_a_row(client)
    print(f"{distinct:,} liquidations, {rows:,} rows in {parts} parts")
    kept = size < LIMIT_BYTES_A_ROW
    print(f"{size:.1f} bytes a row (limit {LIMIT_BYTES_A_ROW}): {'kept' if kept else 'MISSED'}")
    columns = bytes_by_column(client)
    print("of which " + ", ".join(f"{name} {each:.1f}" for name, each in columns[:12]))
    rest = size - sum(each for _, each in columns[:12])
    print(f"and {rest:.1f} for other columns and indexes\n")
    print(f"{'question':<62}{'rows':>9}{'cold ms':>9}{'best':>7}{'median':>8}  limit")
    for question in QUESTIONS:
        taken = milliseconds(client, question.sql, directory)
        verdict = "-"
        if question.limit_ms is not None:
            is_kept = taken.best < question.limit_ms
            verdict = f"{question.limit_ms} {'kept' if is_kept else 'MISSED'}"
            kept = kept and is_kept
        print(
            f"{question.name:<62}{taken.rows:>9,}{taken.cold:>9.0f}{taken.best:>7.0f}"
            f"{taken.median:>8.0f}  {verdict}",
            flush=True,
        )
    report_stored_minutes(client)
    return kept


def report_stored_minutes(client: Client) -> None:
    """Print the costs and savings of a stored table of minutes by venue and side."""
    print("\na stored table of minutes by venue and side")
    for name, condition in REFRESHES:
        client.command(f"DROP TABLE IF EXISTS {MINUTES} SYNC")
        client.command(MAKE_MINUTES)
        started = time.perf_counter()
        client.command(REFRESH.format(condition))
        taken = (time.perf_counter() - started) * 1000
        count = client.query(f"SELECT count() FROM {MINUTES}").result_rows[0][0]
        print(f"  refresh of {name}: {taken:.0f} ms, {count:,} rows")
    stored = min(asked(client, STORED_SERIES)[0] for _ in range(REPEATS))
    print(f"  minute series by venue of 1 day out of it: {stored:.0f} ms")
    client.command(f"DROP TABLE {MINUTES} SYNC")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory: Path = options.data_dir or Path(scratch)
        stack = load_stack_options(embedded_data_dir=directory, embedded_clickhouse_port=0)
        with Supervisor(directory / "logs") as supervisor:
            warehouse = choose_warehouse(stack, supervisor)
            address = warehouse.start()
            environment = {name.lower(): text for name, text in address.environment.items()}
            settings = load_settings(**environment)
            client = connect(settings, use_database=False, answer_timeout_seconds=3_600)
            with closing(client):
                migrate(client, DATABASE)
                client.database = DATABASE
                if client.query("SELECT count() FROM liquidations").result_rows[0][0] == 0:
                    started = time.perf_counter()
                    fill(client, options.rows, options.days)
                    print(f"made {options.rows:,} rows in {time.perf_counter() - started:.0f} s")
                is_ours = stack.clickhouse_url == ""
                return 0 if report(client, directory if is_ours else None) else 1


if __name__ == "__main__":
    sys.exit(main())
