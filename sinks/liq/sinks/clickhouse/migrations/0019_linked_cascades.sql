-- A cascade's parent comes with a record of its own, CASCADE_LINKED. It repeats the numbers and the
-- sequence of an earlier alert, so it is no newer state of the cascade, and its time is no end of it.
ALTER TABLE cascades
    COMMENT COLUMN IF EXISTS sequence 'Counts the alerts of a cascade from 0; a CASCADE_LINKED repeats the number of the alert that it is based on',
    COMMENT COLUMN IF EXISTS type 'CASCADE_DETECTED, CASCADE_ESCALATED, CASCADE_UPDATED, CASCADE_ENDED or CASCADE_LINKED',
    COMMENT COLUMN IF EXISTS parent_id 'The market cascade that this one is part of: in CASCADE_LINKED, and in alerts of older detectors';

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
WHERE l.timestamp >= cascade.1
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
        WHERE l.timestamp >= {since:DateTime64(3, 'UTC')}
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
