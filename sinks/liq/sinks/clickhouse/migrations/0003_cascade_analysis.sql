-- What the adaptive detector says beyond the first one.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS notify Bool COMMENT 'Whether a person should be told' AFTER detector,
    ADD COLUMN IF NOT EXISTS parent_id Nullable(String) COMMENT 'The market cascade that this one is part of' AFTER notify,
    ADD COLUMN IF NOT EXISTS children Array(String) COMMENT 'The asset cascades that are part of this one' AFTER parent_id,
    ADD COLUMN IF NOT EXISTS level LowCardinality(String) COMMENT 'minor, moderate, major or extreme' AFTER children,
    ADD COLUMN IF NOT EXISTS analysis String COMMENT 'JSON: surprise, baseline, shares, peaks' AFTER level,
    ADD COLUMN IF NOT EXISTS explanation String COMMENT 'The alert in a sentence' AFTER analysis;

-- A view keeps the columns that its tables had when it was made.
CREATE OR REPLACE VIEW cascades_latest AS
SELECT c.*, c.ended_at IS NULL AS is_open
FROM cascades AS c FINAL
ORDER BY c.sequence DESC, c.timestamp DESC
LIMIT 1 BY c.cascade_id;
