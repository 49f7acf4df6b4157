"""The SQL of the report. The period is from `since` to before `until`."""

NEWEST = "SELECT max(timestamp) AS newest, count() AS rows FROM liquidations"

SUMMARY = """
SELECT count() AS events, sum(value_usd) AS usd, sumIf(value_usd, side = 'LONG') AS long_usd,
       max(value_usd) AS largest_usd, countIf(is_institutional) AS institutional,
       uniqExact(exchange) AS exchanges, uniqExact(symbol) AS symbols
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
"""

BUSIEST_SYMBOL = """
SELECT symbol
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
GROUP BY symbol
ORDER BY sum(value_usd) DESC, symbol
LIMIT 1
"""

# An hour belongs to the period in which it starts.
VENUES = """
WITH hours AS
(
    SELECT exchange, sum(gap_seconds) AS gap_seconds
    FROM completeness_hours
    WHERE hour >= toStartOfHour({since:DateTime64(3, 'UTC')})
        AND hour < {until:DateTime64(3, 'UTC')}
    GROUP BY exchange
)
SELECT e.exchange AS exchange, count() AS events,
       sumIf(e.value_usd, e.side = 'LONG') AS long_usd,
       sumIf(e.value_usd, e.side = 'SHORT') AS short_usd,
       quantileExact(0.5)(e.value_usd) AS median_usd,
       quantileExact(0.99)(e.value_usd) AS p99_usd,
       max(e.value_usd) AS largest_usd,
       arrayStringConcat(arraySort(groupUniqArray(e.completeness)), ', ') AS published,
       any(h.gap_seconds) AS gap_seconds
FROM liquidation_events AS e
LEFT JOIN hours AS h ON h.exchange = e.exchange
WHERE e.timestamp >= {since:DateTime64(3, 'UTC')} AND e.timestamp < {until:DateTime64(3, 'UTC')}
GROUP BY exchange
ORDER BY long_usd + short_usd DESC, exchange
"""

SYMBOLS = """
SELECT symbol, count() AS events, sumIf(value_usd, side = 'LONG') AS long_usd,
       sumIf(value_usd, side = 'SHORT') AS short_usd, max(value_usd) AS largest_usd
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
GROUP BY symbol
ORDER BY long_usd + short_usd DESC, symbol
LIMIT 10
"""

SERIES = """
SELECT toStartOfInterval(timestamp, toIntervalSecond({step:UInt32})) AS start,
       count() AS events,
       sumIf(value_usd, side = 'LONG') AS long_usd,
       sumIf(value_usd, side = 'SHORT') AS short_usd
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
GROUP BY start
ORDER BY start
"""

LARGEST = """
SELECT timestamp, exchange, symbol, side, price, price_kind, value_usd
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
ORDER BY value_usd DESC, event_id
LIMIT 10
"""

LEVELS = """
SELECT toStartOfInterval(timestamp, toIntervalSecond({step:UInt32})) AS start, price_level,
       sum(value_usd) AS usd, sumIf(value_usd, side = 'LONG') AS long_usd
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
    AND symbol = {symbol:String}
GROUP BY start, price_level
ORDER BY start, price_level
"""

LEVEL_PRICES = """
SELECT toStartOfInterval(timestamp, toIntervalSecond({step:UInt32})) AS start,
       argMax(price, (timestamp, event_id)) AS last_price
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
    AND symbol = {symbol:String}
GROUP BY start
ORDER BY start
"""

LEVEL_CASCADES = """
SELECT started_at, ended_at, side
FROM cascades_latest
WHERE scope != 'market' AND started_at < {until:DateTime64(3, 'UTC')}
    AND (is_open OR ended_at >= {since:DateTime64(3, 'UTC')})
    AND asset IN (SELECT base FROM liquidation_events WHERE symbol = {symbol:String})
ORDER BY started_at DESC, cascade_id
LIMIT 1000
"""

SIZES = """
SELECT arrayLast(edge -> value_usd >= edge, [0, 100, 1000, 10000, 100000, 1000000, 10000000])
           AS from_usd,
       count() AS events, sum(value_usd) AS usd
FROM liquidation_events
WHERE timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
GROUP BY from_usd
ORDER BY from_usd
"""

HOURS_OF_DAY = """
SELECT hour_of_day, sum(p.events) AS events, round(sum(p.value_usd) / max(p.days), 2) AS mean_usd
FROM hour_of_day_profile(
    since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
) AS p
GROUP BY hour_of_day
ORDER BY hour_of_day
"""

CASCADES = """
SELECT cascade_id, started_at, ended_at, is_open, if(scope = 'market', 'market', asset) AS asset,
       side, event_count AS events, total_value_usd AS usd, risk_score AS risk, exchanges
FROM cascades_latest
WHERE started_at >= {since:DateTime64(3, 'UTC')} AND started_at < {until:DateTime64(3, 'UTC')}
ORDER BY usd DESC, cascade_id
LIMIT 10
"""

CASCADE_COUNT = """
SELECT count() AS cascades, countIf(is_open) AS open_cascades
FROM cascades_latest
WHERE started_at >= {since:DateTime64(3, 'UTC')} AND started_at < {until:DateTime64(3, 'UTC')}
"""

CASCADE_SECONDS = """
SELECT second, events, value_usd
FROM cascade_seconds(cascade_id = {cascade_id:String})
ORDER BY second
"""

CASCADE_PRICES = """
SELECT second, exchange, symbol, price_kind, price_last
FROM cascade_price_path(cascade_id = {cascade_id:String})
ORDER BY exchange, symbol, price_kind, second
"""

CASCADE_VENUES = """
SELECT exchange, min(offset_ms) AS first_ms, count() AS events, sum(value_usd) AS usd,
       max(value_usd) AS largest_usd
FROM cascade_events(cascade_id = {cascade_id:String})
GROUP BY exchange
ORDER BY first_ms, exchange
"""

LEADS = """
SELECT exchange, count() AS cascades, countIf(lag_ms = 0) AS led,
       quantileExact(0.5)(lag_ms) AS median_lag_ms, quantileExact(0.9)(lag_ms) AS p90_lag_ms
FROM
(
    SELECT *, count() OVER (PARTITION BY cascade_id) AS venues
    FROM cascade_venues(
        since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
    )
)
WHERE venues > 1
GROUP BY exchange
ORDER BY led DESC, exchange
"""

GAPS = """
SELECT hour, exchange, events, value_usd AS usd, gap_seconds
FROM completeness_hours
WHERE hour >= toStartOfHour({since:DateTime64(3, 'UTC')}) AND hour < {until:DateTime64(3, 'UTC')}
    AND gap_seconds > 0
ORDER BY hour, exchange
"""

REJECTED = """
SELECT exchange, reason, frames, payloads, example
FROM rejected_by_reason
WHERE last_received_at >= {since:DateTime64(3, 'UTC')}
    AND first_received_at < {until:DateTime64(3, 'UTC')}
ORDER BY frames DESC, exchange, reason
"""
