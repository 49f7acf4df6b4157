-- A view keeps the columns that `*` stood for when it was made: the two of 0037 are new.
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
