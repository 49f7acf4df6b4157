-- What happens around a cascade, in which order it spreads, and what an alert was worth. All of it
-- comes from liquidations alone: there is no market price and no open interest in these tables.

-- One row a cascade that started and ended in a period, a window around it, and a draw. Draw 0 is
-- the cascade itself. Draws 1 to 20 are the same asset, side and length at times that the cascade's id
-- and the period decide: what the same windows hold at a random time. Windows: the 30 and 5 minutes
-- before the start, the cascade itself, the 1, 5 and 30 minutes after its end. For a market-wide
-- cascade every asset counts.
CREATE OR REPLACE VIEW cascade_study AS
WITH
    toUnixTimestamp64Milli({since:DateTime64(3, 'UTC')}) AS since_ms,
    toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')}) AS until_ms,
    studied AS
    (
        SELECT
            c.cascade_id AS cascade_id,
            c.asset AS asset,
            c.side AS side,
            toUnixTimestamp64Milli(c.started_at) AS started_ms,
            toUnixTimestamp64Milli(assumeNotNull(c.ended_at)) AS ended_ms
        FROM cascades AS c FINAL
        WHERE c.started_at >= {since:DateTime64(3, 'UTC')} AND c.started_at < {until:DateTime64(3, 'UTC')}
            AND c.type = 'CASCADE_ENDED'
        ORDER BY c.sequence DESC, c.timestamp DESC
        LIMIT 1 BY c.cascade_id
    ),
    draws AS
    (
        SELECT
            cascade_id,
            asset,
            side,
            draw,
            ended_ms - started_ms AS length_ms,
            if(
                draw = 0,
                started_ms,
                since_ms + toInt64(cityHash64(cascade_id, draw) % greatest(1, until_ms - since_ms - length_ms))
            ) AS start_ms
        FROM studied
        ARRAY JOIN range(21) AS draw
    ),
    windows AS
    (
        SELECT
            cascade_id,
            asset,
            side,
            draw,
            part.1 AS study_window,
            start_ms + part.2 AS from_ms,
            start_ms + part.3 AS to_ms
        FROM draws
        ARRAY JOIN
            [
                ('30 min before', toInt64(-1800000), toInt64(0)),
                ('5 min before', toInt64(-300000), toInt64(0)),
                ('during', toInt64(0), length_ms),
                ('1 min after', length_ms, length_ms + 60000),
                ('5 min after', length_ms, length_ms + 300000),
                ('30 min after', length_ms, length_ms + 1800000)
            ] AS part
    ),
    moments AS
    (
        SELECT
            arrayJoin([l.base, '']) AS asset,
            toUnixTimestamp64Milli(l.timestamp) AS time_ms,
            countIf(l.side = 'LONG') AS long_events,
            countIf(l.side = 'SHORT') AS short_events,
            sumIf(l.value_usd, l.side = 'LONG') AS long_usd,
            sumIf(l.value_usd, l.side = 'SHORT') AS short_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
            AND l.timestamp < (
                SELECT greatest({until:DateTime64(3, 'UTC')}, fromUnixTimestamp64Milli(max(ended_ms), 'UTC'))
                    + INTERVAL 1 HOUR
                FROM studied
            )
        GROUP BY asset, time_ms
        HAVING asset IN (SELECT asset FROM studied)
    ),
    -- Everything up to a moment, so that a window is the difference of two.
    running AS
    (
        SELECT
            asset,
            time_ms,
            sum(long_events) OVER so_far AS long_events,
            sum(short_events) OVER so_far AS short_events,
            sum(long_usd) OVER so_far AS long_usd,
            sum(short_usd) OVER so_far AS short_usd
        FROM moments
        WINDOW so_far AS (PARTITION BY asset ORDER BY time_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
SELECT
    w.cascade_id AS cascade_id,
    w.asset AS asset,
    w.side AS side,
    w.study_window AS study_window,
    w.draw AS draw,
    (w.to_ms - w.from_ms) / 1000 AS seconds,
    if(w.side = 'LONG', b.long_events - a.long_events, b.short_events - a.short_events) AS same_side_events,
    if(w.side = 'LONG', b.long_usd - a.long_usd, b.short_usd - a.short_usd) AS same_side_usd,
    if(w.side = 'LONG', b.short_usd - a.short_usd, b.long_usd - a.long_usd) AS other_side_usd
FROM windows AS w
ASOF LEFT JOIN running AS a ON a.asset = w.asset AND a.time_ms < w.from_ms
ASOF LEFT JOIN running AS b ON b.asset = w.asset AND b.time_ms < w.to_ms;

-- One row an asset of an episode, in the order in which the assets came. Cascades of single assets on
-- one side belong to one episode while each starts within a minute of the end of those before it.
CREATE OR REPLACE VIEW contagion_order AS
WITH
    parts AS
    (
        SELECT
            cascade_id,
            asset,
            side,
            min(first_timestamp) AS first_at,
            argMin(exchange, (first_timestamp, exchange)) AS first_exchange,
            sum(v.events) AS events,
            sum(v.value_usd) AS value_usd
        FROM cascade_venues(since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}) AS v
        WHERE scope = 'asset'
        GROUP BY cascade_id, asset, side
    ),
    ends AS
    (
        SELECT c.cascade_id AS cascade_id, max(coalesce(c.ended_at, c.timestamp)) AS until
        FROM cascades AS c FINAL
        WHERE c.started_at >= {since:DateTime64(3, 'UTC')} AND c.started_at < {until:DateTime64(3, 'UTC')}
            AND c.type != 'CASCADE_LINKED'
        GROUP BY cascade_id
    ),
    chained AS
    (
        SELECT
            p.cascade_id AS cascade_id,
            p.asset AS asset,
            p.side AS side,
            p.first_at AS first_at,
            p.first_exchange AS first_exchange,
            p.events AS events,
            p.value_usd AS value_usd,
            max(toUnixTimestamp64Milli(e.until)) OVER (
                PARTITION BY p.side ORDER BY p.first_at, p.cascade_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS until_before_ms
        FROM parts AS p
        INNER JOIN ends AS e ON e.cascade_id = p.cascade_id
    ),
    numbered AS
    (
        SELECT
            *,
            sum(toUnixTimestamp64Milli(first_at) > until_before_ms + 60000) OVER (
                PARTITION BY side ORDER BY first_at, cascade_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS episode_number
        FROM chained
    ),
    -- An asset may have several cascades in one episode: its place is that of its first.
    assets_of AS
    (
        SELECT
            side,
            episode_number,
            asset,
            min(n.first_at) AS first_at,
            argMin(n.first_exchange, (n.first_at, n.cascade_id)) AS first_exchange,
            count() AS cascades,
            sum(n.events) AS events,
            sum(n.value_usd) AS value_usd
        FROM numbered AS n
        GROUP BY side, episode_number, asset
    )
SELECT
    min(a.first_at) OVER episode AS episode_at,
    a.side AS side,
    count() OVER episode AS assets,
    row_number() OVER (PARTITION BY a.side, a.episode_number ORDER BY a.first_at, a.asset) AS place,
    a.asset AS asset,
    a.first_exchange AS first_exchange,
    dateDiff('millisecond', episode_at, a.first_at) AS lag_ms,
    a.cascades AS cascades,
    a.events AS events,
    a.value_usd AS value_usd,
    round(toFloat64(a.value_usd) / nullIf(toFloat64(sum(a.value_usd) OVER episode), 0), 6) AS usd_share
FROM assets_of AS a
WINDOW episode AS (PARTITION BY a.side, a.episode_number);

-- One row an alert that announced or raised a cascade of the period, and what followed on its asset
-- and side. `delay_ms` is from the estimated start to the alert. `usd_at_alert` is what the alert said,
-- `usd_to_end` what came from then to the end; the windows of 1, 5 and 30 minutes begin at the alert.
-- `usual_5_min_usd` is the mean five minutes of that asset and side in the period.
CREATE OR REPLACE VIEW alert_outcomes AS
WITH
    toUnixTimestamp64Milli({since:DateTime64(3, 'UTC')}) AS since_ms,
    toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')}) AS until_ms,
    stored AS
    (
        SELECT
            c.cascade_id AS cascade_id,
            c.alert_id AS alert_id,
            c.sequence AS sequence,
            c.type AS type,
            c.asset AS asset,
            c.side AS side,
            c.risk_score AS risk_score,
            c.started_at AS started_at,
            c.timestamp AS timestamp,
            c.ended_at AS ended_at,
            c.total_value_usd AS total_value_usd
        FROM cascades AS c FINAL
        WHERE c.started_at >= {since:DateTime64(3, 'UTC')} AND c.started_at < {until:DateTime64(3, 'UTC')}
            AND c.type != 'CASCADE_LINKED'
    ),
    ends AS
    (
        SELECT s.cascade_id AS cascade_id, max(assumeNotNull(s.ended_at)) AS ended_at
        FROM stored AS s
        WHERE s.ended_at IS NOT NULL
        GROUP BY cascade_id
    ),
    alerts AS
    (
        SELECT
            s.cascade_id AS cascade_id,
            s.alert_id AS alert_id,
            s.sequence AS sequence,
            s.type AS type,
            s.asset AS asset,
            s.side AS side,
            s.risk_score AS risk_score,
            s.timestamp AS timestamp,
            dateDiff('millisecond', s.started_at, s.timestamp) AS delay_ms,
            s.total_value_usd AS usd_at_alert,
            toUnixTimestamp64Milli(s.timestamp) AS alert_ms,
            toUnixTimestamp64Milli(e.ended_at) AS ended_ms
        FROM stored AS s
        INNER JOIN ends AS e ON e.cascade_id = s.cascade_id
        WHERE s.type IN ('CASCADE_DETECTED', 'CASCADE_ESCALATED')
    ),
    moments AS
    (
        SELECT
            arrayJoin([l.base, '']) AS asset,
            l.side AS side,
            toUnixTimestamp64Milli(l.timestamp) AS time_ms,
            sum(l.value_usd) AS value_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')}
            AND l.timestamp < (
                SELECT greatest({until:DateTime64(3, 'UTC')}, max(stored.timestamp)) + INTERVAL 1 HOUR FROM stored
            )
        GROUP BY asset, side, time_ms
        HAVING asset IN (SELECT asset FROM alerts)
    ),
    running AS
    (
        SELECT
            asset,
            side,
            time_ms,
            sum(value_usd) OVER (
                PARTITION BY asset, side ORDER BY time_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS value_usd
        FROM moments
    ),
    usual AS
    (
        SELECT asset, side, sum(m.value_usd) AS value_usd
        FROM moments AS m
        WHERE time_ms < until_ms
        GROUP BY asset, side
    ),
    -- A window is the difference of two running sums; each alert asks for five.
    points AS
    (
        SELECT
            alert_id,
            asset,
            side,
            point.1 AS name,
            point.2 AS at_ms
        FROM alerts
        ARRAY JOIN
            [
                ('alert', alert_ms),
                ('end', greatest(alert_ms, ended_ms)),
                ('1', alert_ms + 60000),
                ('5', alert_ms + 300000),
                ('30', alert_ms + 1800000)
            ] AS point
    ),
    sums AS
    (
        SELECT
            p.alert_id AS alert_id,
            maxIf(r.value_usd, p.name = 'alert') AS at_alert,
            maxIf(r.value_usd, p.name = 'end') - at_alert AS to_end,
            maxIf(r.value_usd, p.name = '1') - at_alert AS in_1,
            maxIf(r.value_usd, p.name = '5') - at_alert AS in_5,
            maxIf(r.value_usd, p.name = '30') - at_alert AS in_30
        FROM points AS p
        ASOF LEFT JOIN running AS r ON r.asset = p.asset AND r.side = p.side AND r.time_ms < p.at_ms
        GROUP BY alert_id
    )
SELECT
    a.cascade_id AS cascade_id,
    a.sequence AS sequence,
    a.type AS type,
    a.asset AS asset,
    a.side AS side,
    a.timestamp AS timestamp,
    a.risk_score AS risk_score,
    a.delay_ms AS delay_ms,
    a.usd_at_alert AS usd_at_alert,
    s.to_end AS usd_to_end,
    s.in_1 AS usd_1_min,
    s.in_5 AS usd_5_min,
    s.in_30 AS usd_30_min,
    round(u.value_usd * 300000 / greatest(1, until_ms - since_ms), 2) AS usual_5_min_usd
FROM alerts AS a
INNER JOIN sums AS s ON s.alert_id = a.alert_id
LEFT JOIN usual AS u ON u.asset = a.asset AND u.side = a.side;

-- One row a minute, asset and side of at least `min_usd` dollars, and the cascade that it fell into:
-- what the detector saw and what it did not. `is_known` says that the cascade had been announced by
-- the end of the minute.
CREATE OR REPLACE VIEW minute_coverage AS
WITH
    minutes AS
    (
        SELECT
            toStartOfMinute(l.timestamp) AS minute,
            l.base AS asset,
            l.side AS side,
            count() AS events,
            sum(l.value_usd) AS value_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')} AND l.timestamp < {until:DateTime64(3, 'UTC')}
        GROUP BY minute, asset, side
        HAVING value_usd >= toDecimal256({min_usd:Float64}, 12)
    ),
    spans AS
    (
        SELECT
            c.cascade_id AS cascade_id,
            any(c.asset) AS asset,
            any(c.side) AS side,
            min(c.started_at) AS started_at,
            max(coalesce(c.ended_at, c.timestamp)) AS until,
            min(c.timestamp) AS announced_at
        FROM cascades AS c FINAL
        WHERE c.started_at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND c.started_at < {until:DateTime64(3, 'UTC')}
            AND c.type != 'CASCADE_LINKED'
        GROUP BY cascade_id
    ),
    -- Of an asset its own cascades, then the market-wide ones.
    by_asset AS
    (
        SELECT
            asset,
            side,
            arraySort(groupArray((started_at, until, announced_at, cascade_id))) AS cascades
        FROM spans
        GROUP BY asset, side
    ),
    covered AS
    (
        SELECT
            m.minute AS minute,
            m.asset AS asset,
            m.side AS side,
            m.events AS events,
            m.value_usd AS value_usd,
            arrayFirst(
                span -> span.1 < m.minute + INTERVAL 1 MINUTE AND span.2 >= m.minute,
                arrayConcat(o.cascades, w.cascades)
            ) AS cascade
        FROM minutes AS m
        LEFT JOIN by_asset AS o ON o.asset = m.asset AND o.side = m.side
        LEFT JOIN (SELECT side, cascades FROM by_asset WHERE asset = '') AS w ON w.side = m.side
    )
SELECT
    minute,
    asset,
    side,
    events,
    value_usd,
    nullIf(cascade.4, '') AS cascade_id,
    toBool(cascade.4 != '') AS is_in_cascade,
    toBool(cascade.4 != '' AND cascade.3 <= minute + INTERVAL 1 MINUTE) AS is_known
FROM covered;
