-- A price has 18 decimal places: one AIDOGE, of which a contract holds ten million, costs 1e-10 dollars.
-- 76 digits, because no stored price may be too large for the new type: the change would never end.
ALTER TABLE liquidations
    MODIFY COLUMN price Decimal(76, 18),
    MODIFY COLUMN price_level Decimal(76, 18);

ALTER TABLE cascades
    MODIFY COLUMN price_first Decimal(76, 18),
    MODIFY COLUMN price_last Decimal(76, 18);

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
FROM liquidations AS l FINAL;

CREATE OR REPLACE VIEW price_level_hours AS
SELECT
    toStartOfHour(l.timestamp) AS hour,
    l.symbol AS symbol,
    l.price_level AS price_level,
    l.side AS side,
    count() AS events,
    sum(l.value_usd) AS value_usd
FROM liquidations AS l FINAL
GROUP BY hour, symbol, price_level, side;

CREATE OR REPLACE VIEW cascade_events AS
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

CREATE OR REPLACE VIEW cascade_price_path AS
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

CREATE OR REPLACE VIEW cascades_latest AS
SELECT c.*, c.ended_at IS NULL AS is_open
FROM cascades AS c FINAL
ORDER BY c.sequence DESC, c.timestamp DESC
LIMIT 1 BY c.cascade_id;
