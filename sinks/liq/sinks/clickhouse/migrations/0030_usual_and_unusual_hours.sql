-- What is usual for an asset, and how far an hour is from it. Hours without a liquidation count as
-- zero from the first stored hour of the window on: a quiet week is part of what is usual.

-- One row an asset and hour of a period, beside the asset's 168 hours before it (fewer at the
-- beginning of the data: `hours_before`). The quantiles are exact. The z-score is that of ln(1 + USD),
-- because dollars of liquidations spread over orders of magnitude; null before 24 hours are known.
CREATE OR REPLACE VIEW asset_hour_scores AS
WITH
    toUnixTimestamp(toStartOfHour({since:DateTime64(3, 'UTC')})) AS first_second,
    toUnixTimestamp({until:DateTime64(3, 'UTC')}) AS end_second,
    sums AS
    (
        SELECT
            l.base AS asset,
            toUnixTimestamp(toStartOfHour(l.timestamp)) AS hour_second,
            count() AS events,
            sum(l.value_usd) AS value_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= toStartOfHour({since:DateTime64(3, 'UTC')}) - INTERVAL 168 HOUR
            AND l.timestamp < {until:DateTime64(3, 'UTC')}
        GROUP BY asset, hour_second
    ),
    grid AS
    (
        SELECT asset, arrayJoin(range((SELECT min(hour_second) FROM sums), end_second, 3600)) AS hour_second
        FROM (SELECT DISTINCT asset FROM sums)
    ),
    hours AS
    (
        SELECT
            g.asset AS asset,
            g.hour_second AS hour_second,
            s.events AS events,
            s.value_usd AS value_usd,
            log1p(toFloat64(s.value_usd)) AS size
        FROM grid AS g
        LEFT JOIN sums AS s ON s.asset = g.asset AND s.hour_second = g.hour_second
    ),
    scored AS
    (
        SELECT
            asset,
            hour_second,
            events,
            value_usd,
            count() OVER before AS hours_before,
            quantileExact(0.5)(value_usd) OVER before AS median_usd,
            quantileExact(0.9)(value_usd) OVER before AS p90_usd,
            quantileExact(0.99)(value_usd) OVER before AS p99_usd,
            (size - avg(size) OVER before) / nullIf(stddevSamp(size) OVER before, 0) AS deviation
        FROM hours
        WINDOW before AS (PARTITION BY asset ORDER BY hour_second ROWS BETWEEN 168 PRECEDING AND 1 PRECEDING)
    )
SELECT
    asset,
    toDateTime(hour_second, 'UTC') AS hour,
    events,
    value_usd,
    hours_before,
    median_usd,
    p90_usd,
    p99_usd,
    if(hours_before < 24, NULL, round(deviation, 3)) AS z_score
FROM scored
WHERE hour_second >= first_second;

-- One row an asset, weekday (1 is Monday) and hour of the UTC day; an empty asset is the market.
-- `hours` is how often that hour lies in the period; an hour without a liquidation counts as zero.
-- `cascades` are those that started in it.
CREATE OR REPLACE VIEW regime_profile AS
WITH
    toUnixTimestamp(toStartOfHour({since:DateTime64(3, 'UTC')})) AS first_second,
    toUnixTimestamp({until:DateTime64(3, 'UTC')}) AS end_second,
    calendar AS
    (
        SELECT toDayOfWeek(hour) AS weekday, toHour(hour) AS hour_of_day, count() AS hours
        FROM (SELECT toDateTime(arrayJoin(range(first_second, end_second, 3600)), 'UTC') AS hour)
        GROUP BY weekday, hour_of_day
    ),
    sums AS
    (
        SELECT
            arrayJoin([l.base, '']) AS asset,
            toStartOfHour(l.timestamp) AS hour,
            count() AS events,
            sum(l.value_usd) AS value_usd,
            sumIf(l.value_usd, l.side = 'LONG') AS long_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= toStartOfHour({since:DateTime64(3, 'UTC')})
            AND l.timestamp < {until:DateTime64(3, 'UTC')}
        GROUP BY asset, hour
    ),
    profile AS
    (
        SELECT
            asset,
            toDayOfWeek(hour) AS weekday,
            toHour(hour) AS hour_of_day,
            sum(s.events) AS events,
            sum(s.value_usd) AS value_usd,
            sum(s.long_usd) AS long_usd,
            max(s.value_usd) AS largest_hour_usd,
            groupArray(s.value_usd) AS busy
        FROM sums AS s
        GROUP BY asset, weekday, hour_of_day
    ),
    started AS
    (
        SELECT
            arrayJoin(if(asset = '', [''], [asset, ''])) AS asset,
            toDayOfWeek(started_at) AS weekday,
            toHour(started_at) AS hour_of_day,
            uniqExact(cascade_id) AS cascades
        FROM
        (
            SELECT c.cascade_id AS cascade_id, c.asset AS asset, c.started_at AS started_at
            FROM cascades AS c FINAL
            WHERE c.started_at >= toStartOfHour({since:DateTime64(3, 'UTC')})
                AND c.started_at < {until:DateTime64(3, 'UTC')}
                AND c.type != 'CASCADE_LINKED'
        )
        GROUP BY asset, weekday, hour_of_day
    )
SELECT
    p.asset AS asset,
    p.weekday AS weekday,
    p.hour_of_day AS hour_of_day,
    c.hours AS hours,
    p.events AS events,
    p.value_usd AS value_usd,
    round(p.value_usd / c.hours, 2) AS mean_usd,
    arrayReduce('quantileExact(0.5)', arrayResize(p.busy, c.hours, toDecimal256(0, 12))) AS median_usd,
    arrayReduce('quantileExact(0.9)', arrayResize(p.busy, c.hours, toDecimal256(0, 12))) AS p90_usd,
    p.largest_hour_usd AS largest_hour_usd,
    round(toFloat64(p.long_usd) / nullIf(toFloat64(p.value_usd), 0), 6) AS long_share,
    s.cascades AS cascades
FROM profile AS p
INNER JOIN calendar AS c ON c.weekday = p.weekday AND c.hour_of_day = p.hour_of_day
LEFT JOIN started AS s ON s.asset = p.asset AND s.weekday = p.weekday AND s.hour_of_day = p.hour_of_day;
