"""The cookbook's questions on 10 million rows: milliseconds each, and bytes a row.

    python benchmarks/clickhouse_queries.py [--rows 10000000] [--data-dir DIR]

Rows are made inside the embedded ClickHouse, by SQL: thirty days, two hundred symbols (one in
eight rows is BTC), five exchanges, a hundred planted cascades. They arrive in time order in
inserts of 250,000 rows, and the newest 1 % arrives a second time, so that FINAL has work to do. The
ClickHouse is the one that the tests use, with its two caches of results switched off. The time of
a question includes the client's; the best of seven is judged, for other work on the machine is not
its cost. With --data-dir the rows are kept and used again.
"""

# ruff: noqa: S608 - the SQL is made of constants of this file

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from liq.sinks.clickhouse.migrations import migrate
from tests.support.clickhouse_child import ClickHouseChild

DATABASE = "benchmark"
ROWS_PER_INSERT = 250_000
REPEATS = 7
LIMIT_MS = 250
LIMIT_BYTES_A_ROW = 50
DAYS = 30
START = "2026-06-01 00:00:00"
ROWS_BETWEEN_CASCADES = 100_000
# A stored answer would say nothing about the time that the next, different question takes.
SETTINGS = {"use_query_cache": 0, "use_query_condition_cache": 0}

LIQUIDATIONS = f"""
INSERT INTO liquidations
    (timestamp, received_at, exchange, symbol, native_symbol, base, quote, settle, contract, side,
     price, price_kind, quantity, value_usd, completeness, evidence, is_institutional, price_level,
     liquidated_user, liquidator, event_id, schema_version, src_topic, src_partition, src_offset,
     raw_topic, raw_partition, raw_offset)
WITH
    number AS n,
    toUnixTimestamp64Milli(toDateTime64('{START}', 3, 'UTC')) AS start_ms,
    -- The first 500 of every {ROWS_BETWEEN_CASCADES:_} rows are a cascade of BTC longs within 30 s.
    n % {ROWS_BETWEEN_CASCADES} < 500 AS in_cascade,
    {{total:UInt64}} AS total,
    {DAYS} * 86400000 AS span_ms,
    intDiv((n - n % {ROWS_BETWEEN_CASCADES}) * span_ms, total) AS cascade_ms,
    start_ms + if(
        in_cascade,
        cascade_ms + (n % 500) * 60,
        intDiv(n * span_ms, total) + cityHash64(n, 1) % 60000
    ) AS time_ms,
    if(in_cascade, 0, toUInt32(exp(cityHash64(n, 2) % 100000 / 100000 * log(200))) - 1) AS coin,
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
    intDiv(n * {ROWS_BETWEEN_CASCADES} * {DAYS} * 86400000, {{total:UInt64}}) AS start_ms,
    toDateTime64('{START}', 3, 'UTC') + toIntervalMillisecond(start_ms) AS start
SELECT
    concat('cascade-', toString(n)), concat('alert-', toString(n)), 1, 'CASCADE_ENDED', 'asset',
    'BTC', 'LONG', start, start + INTERVAL 31 SECOND, start + INTERVAL 30 SECOND, 500, 1000000,
    ['binance', 'bybit'], ['BTCUSDT'], 64000, 63000, 'liquidations.cascades'
FROM numbers(intDiv({{total:UInt64}}, {ROWS_BETWEEN_CASCADES}))
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A query; `limited` ones have to be answered within the limit."""

    name: str
    sql: str
    limited: bool = True


LAST_DAY = "'2026-06-29 00:00:00' AND {} < '2026-06-30 00:00:00'"
LAST_WEEK = "'2026-06-23 00:00:00' AND {} < '2026-06-30 00:00:00'"
WEEK = "since = '2026-06-23 00:00:00', until = '2026-06-30 00:00:00'"
CASCADE = "cascade_id = 'cascade-90'"
QUESTIONS = (
    Question(
        "series: market by minute, 1 day",
        "SELECT toStartOfMinute(timestamp) AS minute, side, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} GROUP BY ALL ORDER BY minute",
    ),
    Question(
        "series: the same out of liquidation_minutes",
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
    Question("cascade: its events", f"SELECT * FROM cascade_events({CASCADE}) ORDER BY timestamp"),
    Question(
        "cascade: second by second", f"SELECT * FROM cascade_seconds({CASCADE}) ORDER BY second"
    ),
    Question("cascade: price path", f"SELECT * FROM cascade_price_path({CASCADE}) ORDER BY second"),
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
        "top 20, 30 days",
        "SELECT timestamp, exchange, symbol, side, value_usd FROM liquidation_events"
        " ORDER BY value_usd DESC LIMIT 20",
        limited=False,
    ),
    Question("completeness by hour, 30 days", "SELECT * FROM completeness_hours", limited=False),
    Question(
        "hour of day, every symbol, 7 days",
        f"SELECT * FROM hour_of_day_profile({WEEK})",
        limited=False,
    ),
    Question(
        "size quantiles, 30 days",
        "SELECT * FROM size_distribution WHERE symbol = ''",
        limited=False,
    ),
)


def fill(client: Client, rows: int) -> None:
    for first in range(0, rows, ROWS_PER_INSERT):
        parameters = {"first": first, "rows": min(ROWS_PER_INSERT, rows - first), "total": rows}
        client.command(LIQUIDATIONS, parameters=parameters)
    again = {"first": rows - rows // 100, "rows": rows // 100, "total": rows}
    client.command(LIQUIDATIONS, parameters=again)
    client.command(CASCADES, parameters={"total": rows})


def bytes_a_row(client: Client) -> tuple[int, int, float]:
    """Parts, stored rows (copies among them), and bytes a row on disk with its indexes."""
    parts, rows, size = client.query(
        "SELECT count(), sum(rows), sum(bytes_on_disk) FROM system.parts"
        " WHERE database = currentDatabase() AND table = 'liquidations' AND active"
    ).result_rows[0]
    return parts, rows, size / rows


def milliseconds(client: Client, sql: str) -> tuple[float, float, int]:
    """The best and the median time of a query, and how many rows it gives."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        rows = len(client.query(sql, settings=SETTINGS).result_rows)
        times.append((time.perf_counter() - started) * 1000)
    return min(times), statistics.median(times), rows


def report(client: Client) -> bool:
    """Print the tables; false if a limit was missed."""
    distinct = client.query("SELECT count() FROM liquidations FINAL").result_rows[0][0]
    parts, rows, size = bytes_a_row(client)
    print(f"{distinct:,} liquidations, {rows:,} rows in {parts} parts")
    kept = size < LIMIT_BYTES_A_ROW
    print(f"{size:.1f} bytes a row (limit {LIMIT_BYTES_A_ROW}): {'kept' if kept else 'MISSED'}\n")
    print(f"{'question':<46}{'rows':>8}{'best ms':>9}{'median':>8}   limit {LIMIT_MS} ms")
    for question in QUESTIONS:
        taken, usual, answer_rows = milliseconds(client, question.sql)
        verdict = "-"
        if question.limited:
            verdict = "kept" if taken < LIMIT_MS else "MISSED"
            kept = kept and taken < LIMIT_MS
        print(f"{question.name:<46}{answer_rows:>8,}{taken:>9.0f}{usual:>8.0f}   {verdict}")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        ClickHouseChild(options.data_dir or Path(scratch)) as server,
        closing(
            clickhouse_connect.get_client(
                host="127.0.0.1",
                port=server.port,
                autogenerate_session_id=False,
                send_receive_timeout=600,
            )
        ) as client,
    ):
        migrate(client, DATABASE)
        client.database = DATABASE
        if client.query("SELECT count() FROM liquidations").result_rows[0][0] == 0:
            started = time.perf_counter()
            fill(client, options.rows)
            print(f"made {options.rows:,} rows in {time.perf_counter() - started:.0f} s")
        return 0 if report(client) else 1


if __name__ == "__main__":
    sys.exit(main())
