-- Liquidations over time. Like all views here they hold no data and read with FINAL; none of them
-- shows a value that a redelivery could change, such as where or when a record was loaded.

-- The base table for those who would forget FINAL.
CREATE VIEW IF NOT EXISTS liquidation_events AS
SELECT
    l.timestamp AS timestamp,
    l.exchange AS exchange,
    l.symbol AS symbol,
    l.base AS base,
    l.side AS side,
    l.price AS price,
    l.price_kind AS price_kind,
    l.price_level AS price_level,
    l.quantity AS quantity,
    l.value_usd AS value_usd,
    l.is_institutional AS is_institutional,
    l.completeness AS completeness,
    l.evidence AS evidence,
    l.liquidated_user AS liquidated_user,
    l.liquidator AS liquidator,
    l.event_id AS event_id
FROM liquidations AS l FINAL;

CREATE VIEW IF NOT EXISTS liquidation_hours AS
SELECT
    toStartOfHour(l.timestamp) AS hour,
    l.symbol AS symbol,
    l.exchange AS exchange,
    l.side AS side,
    count() AS events,
    sum(l.quantity) AS quantity,
    sum(l.value_usd) AS value_usd,
    max(l.value_usd) AS largest_usd
FROM liquidations AS l FINAL
GROUP BY hour, symbol, exchange, side;

-- long_share runs from 0 (only shorts) to 1 (only longs), imbalance from -1 to 1.
CREATE VIEW IF NOT EXISTS long_short_minutes AS
SELECT
    toStartOfMinute(l.timestamp) AS minute,
    l.symbol AS symbol,
    countIf(l.side = 'LONG') AS long_events,
    countIf(l.side = 'SHORT') AS short_events,
    sumIf(l.value_usd, l.side = 'LONG') AS long_usd,
    sumIf(l.value_usd, l.side = 'SHORT') AS short_usd,
    round(toFloat64(long_usd) / nullIf(toFloat64(long_usd + short_usd), 0), 6) AS long_share,
    round(2 * long_share - 1, 6) AS imbalance
FROM liquidations AS l FINAL
GROUP BY minute, symbol;

-- One row a symbol and hour of the UTC day, over a period:
-- SELECT ... FROM hour_of_day_profile(since = '...', until = '...'). `days` counts how often that
-- hour lies in the period; hours without a liquidation count as zero dollars.
CREATE VIEW IF NOT EXISTS hour_of_day_profile AS
WITH
    toUnixTimestamp(toStartOfHour({since:DateTime64(3, 'UTC')})) AS first_second,
    toUnixTimestamp(toStartOfHour({until:DateTime64(3, 'UTC')} - INTERVAL 1 MILLISECOND)) AS last_second,
    last_second - first_second AS span_seconds,
    hours AS
    (
        SELECT
            toStartOfHour(l.timestamp) AS hour,
            l.symbol AS symbol,
            count() AS events,
            sum(l.value_usd) AS value_usd
        FROM liquidations AS l FINAL
        WHERE l.timestamp >= {since:DateTime64(3, 'UTC')} AND l.timestamp < {until:DateTime64(3, 'UTC')}
        GROUP BY hour, symbol
    )
SELECT
    h.symbol AS symbol,
    toHour(h.hour) AS hour_of_day,
    intDiv(span_seconds, 86400) + toUInt8(
        span_seconds % 86400 >= (hour_of_day * 3600 + 86400 - first_second % 86400) % 86400
    ) AS days,
    sum(h.events) AS events,
    sum(h.value_usd) AS value_usd,
    round(value_usd / days, 2) AS mean_usd,
    arrayReduce('quantileExact(0.5)', arrayResize(groupArray(h.value_usd), days, toDecimal128(0, 12)))
        AS median_usd,
    max(h.value_usd) AS largest_hour_usd
FROM hours AS h
GROUP BY symbol, hour_of_day;
