"""Liquidations and cascades that ClickHouse itself generates."""

# ruff: noqa: S608 - the SQL is made of constants of this file

from clickhouse_connect.driver.client import Client

ROWS_PER_INSERT = 250_000
ASSETS = 400
END = "2026-07-01 00:00:00"
ROWS_BETWEEN_CASCADES = 100_000

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


def fill(client: Client, rows: int, days: int) -> None:
    for first in range(0, rows, ROWS_PER_INSERT):
        count = min(ROWS_PER_INSERT, rows - first)
        parameters = {"first": first, "rows": count, "total": rows, "days": days}
        client.command(LIQUIDATIONS, parameters=parameters)
    copies = rows // 100
    again = {"first": rows - copies, "rows": copies, "total": rows, "days": days}
    client.command(LIQUIDATIONS, parameters=again)
    client.command(CASCADES, parameters={"total": rows, "days": days})
