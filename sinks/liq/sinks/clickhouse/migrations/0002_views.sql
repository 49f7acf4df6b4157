-- The usual questions. They read the base tables with FINAL, so every event counts once.

CREATE VIEW IF NOT EXISTS liquidations_by_venue_side AS
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
GROUP BY exchange, side;

CREATE VIEW IF NOT EXISTS liquidation_minutes AS
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
GROUP BY minute, symbol, exchange, side;

-- One row a cascade: its newest alert.
CREATE VIEW IF NOT EXISTS cascades_latest AS
SELECT c.*, c.ended_at IS NULL AS is_open
FROM cascades AS c FINAL
ORDER BY c.sequence DESC, c.timestamp DESC
LIMIT 1 BY c.cascade_id;
