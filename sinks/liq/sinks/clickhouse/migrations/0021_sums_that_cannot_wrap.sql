-- Sums cannot wrap. Decimal(38, 12) holds 1.7e26, and two glitches of 9e25 dollars made a venue's total
-- negative. With 64 digits before the point no number of rows adds up to more, in any query. And rows
-- that say more than a market has, which the normalizers reject now, are marked and left out of every
-- view.
ALTER TABLE liquidations
    MODIFY COLUMN quantity Decimal(76, 12),
    MODIFY COLUMN value_usd Decimal(76, 12);

ALTER TABLE liquidations
    ADD COLUMN IF NOT EXISTS is_implausible Bool ALIAS abs(value_usd) > toDecimal256('1000000000000', 12) OR abs(quantity) > toDecimal256('100000000000000000000', 12) COMMENT 'More than a market has: no view counts the row';

ALTER TABLE cascades
    MODIFY COLUMN total_value_usd Decimal(76, 12);

-- A view keeps the types that its tables had when it was made.
CREATE OR REPLACE VIEW liquidation_events AS
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
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible;

CREATE OR REPLACE VIEW liquidations_by_venue_side AS
SELECT
    l.exchange AS exchange,
    l.side AS side,
    count() AS events,
    sum(l.value_usd) AS value_usd,
    countIf(l.is_institutional) AS institutional_events,
    max(l.value_usd) AS largest_usd,
    min(l.timestamp) AS first_timestamp,
    max(l.timestamp) AS last_timestamp
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible
GROUP BY exchange, side;

CREATE OR REPLACE VIEW liquidation_minutes AS
SELECT
    toStartOfMinute(l.timestamp) AS minute,
    l.symbol AS symbol,
    l.exchange AS exchange,
    l.side AS side,
    count() AS events,
    sum(l.quantity) AS quantity,
    sum(l.value_usd) AS value_usd,
    max(l.value_usd) AS largest_usd
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible
GROUP BY minute, symbol, exchange, side;

CREATE OR REPLACE VIEW liquidation_hours AS
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
WHERE NOT l.is_implausible
GROUP BY hour, symbol, exchange, side;

CREATE OR REPLACE VIEW long_short_minutes AS
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
WHERE NOT l.is_implausible
GROUP BY minute, symbol;

CREATE OR REPLACE VIEW hour_of_day_profile AS
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
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')} AND l.timestamp < {until:DateTime64(3, 'UTC')}
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
    arrayReduce('quantileExact(0.5)', arrayResize(groupArray(h.value_usd), days, toDecimal256(0, 12)))
        AS median_usd,
    max(h.value_usd) AS largest_hour_usd
FROM hours AS h
GROUP BY symbol, hour_of_day;

CREATE OR REPLACE VIEW price_level_hours AS
SELECT
    toStartOfHour(l.timestamp) AS hour,
    l.symbol AS symbol,
    l.price_level AS price_level,
    l.side AS side,
    count() AS events,
    sum(l.value_usd) AS value_usd
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible
GROUP BY hour, symbol, price_level, side;

CREATE OR REPLACE VIEW size_distribution AS
SELECT
    l.exchange AS exchange,
    l.symbol AS symbol,
    count() AS events,
    sum(l.value_usd) AS value_usd,
    round(value_usd / events, 2) AS mean_usd,
    quantilesExact(0.25, 0.5, 0.75, 0.9, 0.99)(l.value_usd) AS quantiles,
    quantiles[1] AS p25_usd,
    quantiles[2] AS median_usd,
    quantiles[3] AS p75_usd,
    quantiles[4] AS p90_usd,
    quantiles[5] AS p99_usd,
    max(l.value_usd) AS largest_usd
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible
GROUP BY GROUPING SETS ((exchange, symbol), (exchange));

CREATE OR REPLACE VIEW size_buckets AS
SELECT
    l.exchange AS exchange,
    l.symbol AS symbol,
    l.side AS side,
    arrayLast(
        edge -> l.value_usd >= edge,
        [0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000, 3000000, 10000000]
    ) AS from_usd,
    count() AS events,
    sum(l.value_usd) AS value_usd
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible
GROUP BY exchange, symbol, side, from_usd;

CREATE OR REPLACE VIEW cascade_events AS
WITH
    (
        SELECT (c.started_at, coalesce(c.ended_at, c.timestamp), c.side, c.asset, c.scope = 'market')
        FROM cascades AS c FINAL
        WHERE c.cascade_id = {cascade_id:String} AND c.type != 'CASCADE_LINKED'
        ORDER BY c.sequence DESC, c.timestamp DESC
        LIMIT 1
    ) AS cascade
SELECT
    l.timestamp AS timestamp,
    dateDiff('millisecond', cascade.1, l.timestamp) AS offset_ms,
    l.exchange AS exchange,
    l.symbol AS symbol,
    l.base AS base,
    l.side AS side,
    l.price AS price,
    l.price_kind AS price_kind,
    l.price_level AS price_level,
    l.quantity AS quantity,
    l.value_usd AS value_usd,
    l.completeness AS completeness,
    l.event_id AS event_id
FROM liquidations AS l FINAL
WHERE NOT l.is_implausible
    AND l.timestamp >= cascade.1
    AND l.timestamp <= cascade.2
    AND l.side = cascade.3
    AND (cascade.5 OR l.base = cascade.4);

CREATE OR REPLACE VIEW cascade_venues AS
WITH
    wanted AS
    (
        SELECT
            c.cascade_id AS cascade_id,
            c.scope AS scope,
            c.asset AS asset,
            c.side AS side,
            c.started_at AS started_at,
            coalesce(c.ended_at, c.timestamp) AS until
        FROM cascades AS c FINAL
        WHERE c.started_at >= {since:DateTime64(3, 'UTC')} AND c.started_at < {until:DateTime64(3, 'UTC')}
            AND c.type != 'CASCADE_LINKED'
        ORDER BY c.sequence DESC, c.timestamp DESC
        LIMIT 1 BY c.cascade_id
    ),
    hours AS
    (
        SELECT
            cascade_id,
            scope,
            asset,
            side,
            started_at,
            until,
            arrayJoin(range(
                toUInt32(toStartOfHour(started_at)), toUInt32(toStartOfHour(until)) + 1, 3600
            )) AS hour
        FROM wanted
    ),
    candidates AS
    (
        SELECT
            toUInt32(toStartOfHour(l.timestamp)) AS hour,
            arrayJoin([l.base, '']) AS asset,
            l.side AS side,
            l.exchange AS exchange,
            l.timestamp AS timestamp,
            l.value_usd AS value_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')}
            AND l.timestamp <= (SELECT max(until) FROM wanted)
    ),
    venues AS
    (
        SELECT
            h.cascade_id AS cascade_id,
            h.scope AS scope,
            h.asset AS asset,
            h.side AS side,
            h.started_at AS started_at,
            e.exchange AS exchange,
            min(e.timestamp) AS first_timestamp,
            count() AS events,
            sum(e.value_usd) AS value_usd
        FROM candidates AS e
        INNER JOIN hours AS h ON e.hour = h.hour AND e.asset = h.asset AND e.side = h.side
        WHERE e.timestamp >= h.started_at AND e.timestamp <= h.until
        GROUP BY cascade_id, scope, asset, side, started_at, exchange
    )
SELECT
    cascade_id,
    scope,
    asset,
    side,
    started_at,
    exchange,
    first_timestamp,
    dateDiff('millisecond', min(first_timestamp) OVER (PARTITION BY cascade_id), first_timestamp) AS lag_ms,
    events,
    value_usd,
    round(
        toFloat64(value_usd) / nullIf(toFloat64(sum(value_usd) OVER (PARTITION BY cascade_id)), 0), 6
    ) AS usd_share
FROM venues;

CREATE OR REPLACE VIEW completeness_hours AS
WITH
    sums AS
    (
        SELECT
            toStartOfHour(l.timestamp) AS hour,
            l.exchange AS exchange,
            count() AS events,
            sum(l.value_usd) AS value_usd,
            sumIf(l.value_usd, l.completeness = 'complete') AS complete_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
        GROUP BY hour, exchange
    ),
    gap_parts AS
    (
        SELECT
            exchange,
            toUnixTimestamp64Milli(gap_from) AS from_ms,
            toUnixTimestamp64Milli(gap_to) AS to_ms,
            arrayJoin(range(
                toUInt64(intDiv(from_ms, 3600000)), toUInt64(intDiv(to_ms, 3600000)) + 1
            )) AS hour_number
        FROM feed_gaps
    ),
    gaps AS
    (
        SELECT
            toDateTime(hour_number * 3600, 'UTC') AS hour,
            exchange,
            intervalLengthSum(
                greatest(from_ms, toInt64(hour_number * 3600000)),
                least(to_ms, toInt64((hour_number + 1) * 3600000))
            ) / 1000 AS gap_seconds
        FROM gap_parts
        GROUP BY hour, exchange
    )
SELECT
    hour,
    exchange,
    sum(part_events) AS events,
    sum(part_usd) AS value_usd,
    sum(part_complete_usd) AS complete_usd,
    sum(part_gap_seconds) AS gap_seconds,
    toBool(value_usd != complete_usd OR gap_seconds > 0) AS is_lower_bound
FROM
(
    SELECT
        hour,
        exchange,
        events AS part_events,
        value_usd AS part_usd,
        complete_usd AS part_complete_usd,
        0. AS part_gap_seconds
    FROM sums
    UNION ALL
    SELECT hour, exchange, 0, toDecimal256(0, 12), toDecimal256(0, 12), gap_seconds
    FROM gaps
)
GROUP BY hour, exchange;

CREATE OR REPLACE VIEW cascades_latest AS
SELECT c.* REPLACE (p.parent_id AS parent_id), c.ended_at IS NULL AS is_open
FROM cascades AS c FINAL
LEFT JOIN
(
    SELECT l.cascade_id AS cascade_id, argMax(l.parent_id, (l.timestamp, l.sequence)) AS parent_id
    FROM cascades AS l FINAL
    WHERE l.parent_id IS NOT NULL
    GROUP BY cascade_id
) AS p ON p.cascade_id = c.cascade_id
WHERE c.type != 'CASCADE_LINKED'
ORDER BY c.sequence DESC, c.timestamp DESC
LIMIT 1 BY c.cascade_id;
