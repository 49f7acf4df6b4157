-- What happened in a cascade: the liquidations of its asset (for a market-wide one: of every
-- asset) on its side, from its start to its end or its newest alert. These views take parameters:
-- SELECT ... FROM cascade_events(cascade_id = '...'), so that only the hours in question are read.

CREATE VIEW IF NOT EXISTS cascade_events AS
WITH
    (
        SELECT (c.started_at, coalesce(c.ended_at, c.timestamp), c.side, c.asset, c.scope = 'market')
        FROM cascades AS c FINAL
        WHERE c.cascade_id = {cascade_id:String}
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

CREATE VIEW IF NOT EXISTS cascade_seconds AS
SELECT
    toStartOfSecond(e.timestamp) AS second,
    count() AS events,
    sum(e.value_usd) AS value_usd,
    max(e.value_usd) AS largest_usd,
    arraySort(groupUniqArray(e.exchange)) AS exchanges
FROM cascade_events(cascade_id = {cascade_id:String}) AS e
GROUP BY second;

-- One row a second, symbol, venue and kind of price: a fill and a bankruptcy price of the same second
-- may lie half a percent apart, so a path that mixes them shows moves that never were.
CREATE VIEW IF NOT EXISTS cascade_price_path AS
SELECT
    toStartOfSecond(e.timestamp) AS second,
    e.symbol AS symbol,
    e.exchange AS exchange,
    e.price_kind AS price_kind,
    argMin(e.price, (e.timestamp, e.event_id)) AS price_first,
    min(e.price) AS price_low,
    max(e.price) AS price_high,
    argMax(e.price, (e.timestamp, e.event_id)) AS price_last
FROM cascade_events(cascade_id = {cascade_id:String}) AS e
GROUP BY second, symbol, exchange, price_kind;

-- One row a cascade and venue, for cascades that started in a period. `lag_ms` is how long after
-- the first liquidation of the cascade, on any venue, the venue's own first one came, by the
-- exchanges' clocks.
CREATE VIEW IF NOT EXISTS cascade_venues AS
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
