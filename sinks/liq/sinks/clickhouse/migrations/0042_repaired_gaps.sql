-- How the repair of a gap ended, and what a history was asked about.
ALTER TABLE feeds
    ADD COLUMN IF NOT EXISTS row_count Nullable(UInt64) COMMENT 'Of the end of a repair: liquidations that the history has within the gap' CODEC(ZSTD(1)) AFTER gap_to,
    ADD COLUMN IF NOT EXISTS request_count Nullable(UInt64) COMMENT 'Of the end of a repair: requests that the venue answered' CODEC(ZSTD(1)) AFTER row_count,
    COMMENT COLUMN event 'connected, lost, gap, filled, partly, unrecoverable, stale, refused, storm, unread, moved or clock';

ALTER TABLE raw_frames
    ADD COLUMN IF NOT EXISTS subject String DEFAULT '' COMMENT 'What a history was asked about, such as a market; empty for live frames' CODEC(ZSTD(1)) AFTER rates;

-- `repair` is filled, partly or unrecoverable, and empty while nobody has repaired the gap.
CREATE OR REPLACE VIEW feed_gaps AS
WITH repairs AS
(
    SELECT
        r.exchange AS exchange,
        r.feed AS feed,
        r.connection AS connection,
        r.gap_from AS gap_from,
        r.gap_to AS gap_to,
        argMax(r.event, r.timestamp) AS repair,
        argMax(r.detail, r.timestamp) AS repair_detail,
        argMax(r.row_count, r.timestamp) AS repair_rows
    FROM feeds AS r FINAL
    WHERE r.event IN ('filled', 'partly', 'unrecoverable')
    GROUP BY exchange, feed, connection, gap_from, gap_to
)
SELECT
    f.exchange AS exchange,
    f.feed AS feed,
    f.connection AS connection,
    assumeNotNull(f.gap_from) AS gap_from,
    coalesce(f.gap_to, f.timestamp) AS gap_to,
    round(dateDiff('millisecond', gap_from, gap_to) / 1000, 3) AS gap_seconds,
    f.detail AS detail,
    toString(r.repair) AS repair,
    r.repair_rows AS repair_rows,
    r.repair_detail AS repair_detail
FROM feeds AS f FINAL
LEFT JOIN repairs AS r
    ON f.exchange = r.exchange AND f.feed = r.feed AND f.connection = r.connection
    AND f.gap_from = r.gap_from AND f.gap_to = r.gap_to
WHERE f.event = 'gap' AND f.gap_from IS NOT NULL;

-- `gap_seconds` is the time in which at least one of the exchange's connections had a gap that is not
-- filled, `filled_seconds` the time of those that a history has filled.
CREATE OR REPLACE VIEW completeness_hours AS
WITH
    sums AS
    (
        SELECT
            toStartOfHour(l.timestamp) AS hour,
            l.exchange AS exchange,
            count() AS events,
            sum(l.value_usd) AS value_usd,
            sumIf(l.value_usd, l.completeness = 'complete') AS complete_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
        GROUP BY hour, exchange
    ),
    gap_parts AS
    (
        SELECT
            exchange,
            toUnixTimestamp64Milli(gap_from) AS from_ms,
            toUnixTimestamp64Milli(gap_to) AS to_ms,
            repair = 'filled' AS is_filled,
            arrayJoin(range(
                toUInt64(intDiv(from_ms, 3600000)), toUInt64(intDiv(to_ms, 3600000)) + 1
            )) AS hour_number
        FROM feed_gaps
    ),
    gaps AS
    (
        SELECT
            toDateTime(hour_number * 3600, 'UTC') AS hour,
            exchange,
            intervalLengthSumIf(
                greatest(from_ms, toInt64(hour_number * 3600000)),
                least(to_ms, toInt64((hour_number + 1) * 3600000)),
                NOT is_filled
            ) / 1000 AS gap_seconds,
            intervalLengthSumIf(
                greatest(from_ms, toInt64(hour_number * 3600000)),
                least(to_ms, toInt64((hour_number + 1) * 3600000)),
                is_filled
            ) / 1000 AS filled_seconds
        FROM gap_parts
        GROUP BY hour, exchange
    )
SELECT
    hour,
    exchange,
    sum(part_events) AS events,
    sum(part_usd) AS value_usd,
    sum(part_complete_usd) AS complete_usd,
    sum(part_gap_seconds) AS gap_seconds,
    toBool(value_usd != complete_usd OR gap_seconds > 0) AS is_lower_bound,
    sum(part_filled_seconds) AS filled_seconds
FROM
(
    SELECT
        hour,
        exchange,
        events AS part_events,
        value_usd AS part_usd,
        complete_usd AS part_complete_usd,
        0. AS part_gap_seconds,
        0. AS part_filled_seconds
    FROM sums
    UNION ALL
    SELECT hour, exchange, 0, toDecimal256(0, 12), toDecimal256(0, 12), gap_seconds, filled_seconds
    FROM gaps
)
GROUP BY hour, exchange;
