-- The key begins with the hour. ClickHouse 26.7 does not derive a condition on it from one on the time,
-- because the time is a later part of the key: a post-mortem read every granule of a part, 899 where
-- 7 hold its hour.
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
    AND toStartOfHour(l.timestamp) >= toStartOfHour(cascade.1)
    AND toStartOfHour(l.timestamp) <= toStartOfHour(cascade.2)
    AND l.timestamp >= cascade.1
    AND l.timestamp <= cascade.2
    AND l.side = cascade.3
    AND (cascade.5 OR l.base = cascade.4);
