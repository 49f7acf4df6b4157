-- How many liquidations one triggers on the cascade's asset and side, as its newest record says.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS branching_ratio Nullable(Float64) COMMENT 'Liquidations that one triggers, from complete feeds; null: see no_branching' AFTER analysis,
    ADD COLUMN IF NOT EXISTS no_branching LowCardinality(String) COMMENT 'Why branching_ratio is null: no_complete_feed, too_few or market_wide; else empty' AFTER branching_ratio;

-- A view keeps the columns that its tables had when it was made.
CREATE OR REPLACE VIEW cascades_latest AS
SELECT c.*, c.ended_at IS NULL AS is_open
FROM cascades AS c FINAL
ORDER BY c.sequence DESC, c.timestamp DESC
LIMIT 1 BY c.cascade_id;
