-- What a reader of a cascade asks for first: price, pace, the estimate, blind venues, the events.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS price_kind LowCardinality(String) COMMENT 'What price_first and price_last are; empty where nobody knows' AFTER price_last,
    ADD COLUMN IF NOT EXISTS price_exchange LowCardinality(String) COMMENT 'The venue whose prices they are' AFTER price_kind,
    ADD COLUMN IF NOT EXISTS price_symbol LowCardinality(String) COMMENT 'The unified symbol of these prices' AFTER price_exchange,
    ADD COLUMN IF NOT EXISTS move_bps Nullable(Float64) COMMENT 'From price_first to price_last in basis points; negative is down' AFTER price_symbol,
    ADD COLUMN IF NOT EXISTS usd_per_second Nullable(Decimal(76, 12)) COMMENT 'Dollars a second in the last ten seconds; of an end, in the worst' AFTER total_value_usd,
    ADD COLUMN IF NOT EXISTS estimated_usd Nullable(Decimal(76, 12)) COMMENT 'Dollars with what sampled feeds leave out; null where nothing is estimated' AFTER usd_per_second,
    ADD COLUMN IF NOT EXISTS estimated_low_usd Nullable(Decimal(76, 12)) COMMENT 'Lower end of the range' AFTER estimated_usd,
    ADD COLUMN IF NOT EXISTS estimated_high_usd Nullable(Decimal(76, 12)) COMMENT 'Upper end of the range' AFTER estimated_low_usd,
    ADD COLUMN IF NOT EXISTS not_estimated Array(String) COMMENT 'Venues whose dollars stand in the estimate as published' AFTER estimated_high_usd,
    ADD COLUMN IF NOT EXISTS blind Array(String) COMMENT 'Venues, or venue:feed, of which nothing was received' AFTER exchanges,
    ADD COLUMN IF NOT EXISTS usd_times_normal Nullable(Float64) COMMENT 'Dollars of the last ten seconds as a multiple of the normal ones' AFTER no_branching,
    ADD COLUMN IF NOT EXISTS events_from Nullable(DateTime64(3, 'UTC')) COMMENT 'Liquidations counted: timestamp from here on' AFTER largest_event_ids,
    ADD COLUMN IF NOT EXISTS events_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Liquidations counted: timestamp before this' AFTER events_from,
    ADD COLUMN IF NOT EXISTS events_received_before Nullable(DateTime64(3, 'UTC')) COMMENT 'Liquidations counted: received_at before this' AFTER events_to;

-- A view keeps the columns that its tables had when it was made.
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

-- The liquidations that the newest record of a cascade counts, by their ids.
CREATE OR REPLACE VIEW cascade_event_ids AS
WITH
    (
        SELECT (
            assumeNotNull(c.events_from),
            assumeNotNull(c.events_to),
            assumeNotNull(c.events_received_before),
            c.side,
            c.asset
        )
        FROM cascades AS c FINAL
        WHERE c.cascade_id = {cascade_id:String}
            AND c.type != 'CASCADE_LINKED' AND c.events_from IS NOT NULL
        ORDER BY c.sequence DESC, c.timestamp DESC
        LIMIT 1
    ) AS counted
SELECT l.timestamp AS timestamp, l.exchange AS exchange, l.event_id AS event_id
FROM liquidations AS l FINAL
WHERE l.timestamp >= counted.1
    AND l.timestamp < counted.2
    AND l.received_at < counted.3
    AND l.side = counted.4
    AND (counted.5 = '' OR l.base = counted.5)
    AND l.arrival = 'live';
