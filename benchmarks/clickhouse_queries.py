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

from liq.devstack.options import load_stack_options
from liq.devstack.supervisor import Supervisor
from liq.devstack.warehouse import choose_warehouse
from liq.runtime.settings import load_settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate

DATABASE = "benchmark"
ROWS_PER_INSERT = 250_000
REPEATS = 7
LIMIT_MS = 250
LIMIT_BYTES_A_ROW = 50
ASSETS = 400
END = "2026-07-01 00:00:00"
ROWS_BETWEEN_CASCADES = 100_000
# A cached result would not show the time of the next, different query.
SETTINGS = {"use_query_cache": 0, "use_query_condition_cache": 0}

LIQUIDATIONS = f"""
INSERT INTO liquidations
    (timestamp, received_at, exchange, symbol, native_symbol, base, quote, settle, contract, side,
     price, price_kind, quantity, value_usd, completeness, evidence, is_institutional, price_level,
     liquidated_user, liquidator, event_id, schema_version, src_topic, src_partition, src_offset,
     raw_topic, raw_partition, raw_offset)
WITH
    number AS n,
    {{days:UInt32}} * 86400000 AS span_ms,
    toUnixTimestamp64Milli(toDateTime64('{END}', 3, 'UTC')) - span_ms AS start_ms,
    -- The first 500 of every {ROWS_BETWEEN_CASCADES:_} rows are a cascade of BTC longs within 30 s.
    n % {ROWS_BETWEEN_CASCADES} < 500 AS in_cascade,
    {{total:UInt64}} AS total,
    intDiv((n - n % {ROWS_BETWEEN_CASCADES}) * span_ms, total) AS cascade_ms,
    start_ms + if(
        in_cascade,
        cascade_ms + (n % 500) * 60,
        intDiv(n * span_ms, total) + cityHash64(n, 1) % 60000
    ) AS time_ms,
    exp(cityHash64(n, 2) % 100000 / 100000 * log({ASSETS})) AS zipf,
    if(in_cascade, 0, toUInt32(zipf) - 1) AS coin,
    if(coin = 0, 'BTC', if(coin = 1, 'ETH', concat('COIN', toString(coin)))) AS coin_name,
    ['binance', 'bybit', 'okx', 'bitget', 'hyperliquid'][cityHash64(n, 3) % 5 + 1] AS venue,
    64000 / pow(coin + 1, 2)
        * (1 + 0.06 * sin(time_ms / 4e8) + cityHash64(n, 4) % 1000 / 5e5) AS raw_price,
    -- Six significant digits of a price, and amounts in steps of a coin (of BTC: of a thousandth),
    -- as the exchanges have them.
    toInt32(5 - floor(log10(raw_price))) AS price_digits,
    if(coin = 0, 3, 5 - price_digits) AS size_digits,
    toDecimal128(round(raw_price, price_digits), 12) AS exact_price,
    -- Log-normal sizes: the median is 900 dollars.
    sqrt(-2 * log((cityHash64(n, 5) % 999999 + 1) / 1e6)) AS radius,
    exp(6.8 + 2 * radius * cos(cityHash64(n, 6) % 628318 / 1e5)) AS dollars,
    greatest(round(dollars / raw_price, size_digits), pow(10, -size_digits)) AS rounded_size,
    toDecimal128(rounded_size, 12) AS size,
    lower(hex(MD5(toString(cityHash64(n, 9) % 20000)))) AS user,
    toDecimal128(multiply(exact_price, toDecimal64(size, 8)), 12) AS worth,
    if(coin = 0, 100, pow(10, 2 - price_digits)) AS step
SELECT
    fromUnixTimestamp64Milli(time_ms, 'UTC'),
    fromUnixTimestamp64Milli(time_ms + 40 + cityHash64(n, 7) % 200, 'UTC'),
    venue,
    concat(coin_name, 'USDT'),
    concat(coin_name, if(venue = 'okx', '-USDT-SWAP', 'USDT')),
    coin_name,
    'USDT',
    'USDT',
    'linear',
    if(in_cascade OR cityHash64(n, 8) % 100 < 52, 'LONG', 'SHORT'),
    exact_price,
    if(venue IN ('bybit', 'okx'), 'bankruptcy', 'average_fill'),
    size,
    worth,
    if(venue IN ('binance', 'okx'), 'sampled', 'complete'),
    'reported',
    worth >= 100000,
    toDecimal128(round(raw_price / step) * step, 12),
    if(venue = 'hyperliquid', concat('0x', user, 'deadbeef'), NULL),
    NULL,
    lower(hex(MD5(toString(n)))),
    1,
    'liquidations.events',
    coin % 12,
    intDiv(n, 12),
    concat('liquidations.raw.', venue),
    coin % 12,
    intDiv(n, 5)
FROM numbers({{first:UInt64}}, {{rows:UInt64}})
"""

CASCADES = f"""
INSERT INTO cascades
    (cascade_id, alert_id, sequence, type, scope, asset, side, started_at, timestamp, ended_at,
     event_count, total_value_usd, exchanges, symbols, price_first, price_last, src_topic)
WITH
    number AS n,
    {{days:UInt32}} * 86400000 AS span_ms,
    intDiv(n * {ROWS_BETWEEN_CASCADES} * span_ms, {{total:UInt64}}) AS start_ms,
    toDateTime64('{END}', 3, 'UTC') + toIntervalMillisecond(start_ms - toInt64(span_ms)) AS start
SELECT
    concat('cascade-', toString(n)), concat('alert-', toString(n)), 1, 'CASCADE_ENDED', 'asset',
    'BTC', 'LONG', start, start + INTERVAL 31 SECOND, start + INTERVAL 30 SECOND, 500, 1000000,
    ['binance', 'bybit'], ['BTCUSDT'], 64000, 63000, 'liquidations.cascades'
FROM numbers(intDiv({{total:UInt64}}, {ROWS_BETWEEN_CASCADES}))
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and its limit in milliseconds when warm."""

    name: str
    sql: str
    limit_ms: int | None = LIMIT_MS


LAST_DAY = "'2026-06-29 00:00:00' AND {} < '2026-06-30 00:00:00'"
LAST_MONTH = "'2026-05-31 00:00:00' AND {} < '2026-06-30 00:00:00'"
LAST_WEEK = "'2026-06-23 00:00:00' AND {} < '2026-06-30 00:00:00'"
WEEK = "since = '2026-06-23 00:00:00', until = '2026-06-30 00:00:00'"
CASCADE = (
    "cascade_id = (SELECT cascade_id FROM cascades"
    " WHERE started_at < '2026-06-29 00:00:00' ORDER BY started_at DESC LIMIT 1)"
)
CASCADE_LIMIT_MS = 100
QUESTIONS = (
    Question(
        "series: market by minute, 1 day",
        "SELECT toStartOfMinute(timestamp) AS minute, side, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} GROUP BY ALL ORDER BY minute",
    ),
    Question(
        "series: by minute and venue, 1 day",
        "SELECT toStartOfMinute(timestamp) AS minute, exchange, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} GROUP BY ALL ORDER BY minute",
    ),
    Question(
        "series: by minute and side out of liquidation_minutes, 1 day",
        "SELECT minute, side, sum(events), sum(value_usd) FROM liquidation_minutes"
        f" WHERE minute >= {LAST_DAY.format('minute')} GROUP BY minute, side ORDER BY minute",
    ),
    Question(
        "series: BTC by hour, venue and side, 7 days",
        "SELECT hour, exchange, side, events, value_usd FROM liquidation_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_WEEK.format('hour')} ORDER BY hour",
    ),
    Question(
        "series: market by hour and venue, 7 days",
        "SELECT toStartOfHour(timestamp) AS hour, exchange, side, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_WEEK.format('timestamp')} GROUP BY ALL ORDER BY hour",
    ),
    Question(
        "series: BTC long and short by minute, 1 day",
        "SELECT * FROM long_short_minutes"
        f" WHERE symbol = 'BTCUSDT' AND minute >= {LAST_DAY.format('minute')} ORDER BY minute",
    ),
    Question(
        "heat map: BTC level by hour, 1 day",
        "SELECT hour, price_level, sum(value_usd) FROM price_level_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_DAY.format('hour')} GROUP BY ALL",
    ),
    Question(
        "heat map: BTC level by hour, 7 days",
        "SELECT hour, price_level, sum(value_usd) FROM price_level_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_WEEK.format('hour')} GROUP BY ALL",
    ),
    Question(
        "heat map: BTC level by hour, 30 days",
        "SELECT hour, price_level, sum(value_usd) FROM price_level_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_MONTH.format('hour')} GROUP BY ALL",
        limit_ms=1_000,
    ),
    Question(
        "cascade: its events",
        f"SELECT * FROM cascade_events({CASCADE}) ORDER BY timestamp",
        limit_ms=CASCADE_LIMIT_MS,
    ),
    Question(
        "cascade: second by second",
        f"SELECT * FROM cascade_seconds({CASCADE}) ORDER BY second",
        limit_ms=CASCADE_LIMIT_MS,
    ),
    Question(
        "cascade: price path",
        f"SELECT * FROM cascade_price_path({CASCADE}) ORDER BY second",
        limit_ms=CASCADE_LIMIT_MS,
    ),
    Question(
        "cascades: who leads, 7 days",
        f"SELECT exchange, countIf(lag_ms = 0), quantileExact(lag_ms) FROM cascade_venues({WEEK})"
        " GROUP BY exchange",
    ),
    Question(
        "top 20, 1 day",
        "SELECT * FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} ORDER BY value_usd DESC LIMIT 20",
    ),
    Question(
        "top 20, everything",
        "SELECT timestamp, exchange, symbol, side, value_usd FROM liquidation_events"
        " ORDER BY value_usd DESC LIMIT 20",
        limit_ms=None,
    ),
    Question("completeness by hour, everything", "SELECT * FROM completeness_hours", limit_ms=None),
    Question(
        "hour of day, every symbol, 7 days",
        f"SELECT * FROM hour_of_day_profile({WEEK})",
        limit_ms=None,
    ),
    Question(
        "unusual hours of every asset, 1 day",
        "SELECT * FROM asset_hour_scores(since = '2026-06-29 00:00:00',"
        " until = '2026-06-30 00:00:00')",
        limit_ms=None,
    ),
    Question("study of cascades, 7 days", f"SELECT * FROM cascade_study({WEEK})", limit_ms=None),
    Question(
        "what followed on alerts, 7 days", f"SELECT * FROM alert_outcomes({WEEK})", limit_ms=None
    ),
    Question(
        "estimates of sampled venues, 1 day",
        "SELECT * FROM estimated_hours(since = '2026-06-29 00:00:00',"
        " until = '2026-06-30 00:00:00')",
        limit_ms=None,
    ),
    Question(
        "size quantiles, everything",
        "SELECT * FROM size_distribution WHERE symbol = ''",
        limit_ms=None,
    ),
)


MINUTES = "benchmark_minutes"
MAKE_MINUTES = (
    f"CREATE TABLE {MINUTES} (minute DateTime('UTC'), exchange LowCardinality(String),"
    " side Enum8('LONG' = 1, 'SHORT' = 2), events UInt64, value_usd Decimal(76, 12))"
    " ENGINE = MergeTree ORDER BY (minute, exchange, side)"
)
REFRESH = (
    f"INSERT INTO {MINUTES} SELECT toStartOfMinute(timestamp) AS minute, exchange, side, count(),"
    " sum(value_usd) FROM liquidation_events WHERE timestamp >= {} GROUP BY ALL"
)
REFRESHES = (
    ("1 day", f"{LAST_DAY.format('timestamp')}"),
    ("7 days", f"{LAST_WEEK.format('timestamp')}"),
    ("everything", "'1970-01-01 00:00:00'"),
)
STORED_SERIES = (
    f"SELECT minute, exchange, sum(events), sum(value_usd) FROM {MINUTES}"
    f" WHERE minute >= {LAST_DAY.format('minute')} GROUP BY ALL ORDER BY minute"
)


def fill(client: Client, rows: int, days: int) -> None:
    for first in range(0, rows, ROWS_PER_INSERT):
        count = min(ROWS_PER_INSERT, rows - first)
        parameters = {"first": first, "rows": count, "total": rows, "days": days}
        client.command(LIQUIDATIONS, parameters=parameters)
    copies = rows // 100
    again = {"first": rows - copies, "rows": copies, "total": rows, "days": days}
    client.command(LIQUIDATIONS, parameters=again)
    client.command(CASCADES, parameters={"total": rows, "days": days})


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
