-- What the sums do not know: times without a connection, venues that publish a sample, and what
-- could not be understood.

CREATE VIEW IF NOT EXISTS feed_gaps AS
SELECT
    f.exchange AS exchange,
    f.feed AS feed,
    f.connection AS connection,
    assumeNotNull(f.gap_from) AS gap_from,
    coalesce(f.gap_to, f.timestamp) AS gap_to,
    round(dateDiff('millisecond', gap_from, gap_to) / 1000, 3) AS gap_seconds,
    f.detail AS detail
FROM feeds AS f FINAL
WHERE f.event = 'gap' AND f.gap_from IS NOT NULL;

-- One row an hour and exchange with liquidations, a gap, or both. `gap_seconds` is the time in
-- which at least one of the exchange's connections had a gap; another connection may have filled
-- it. `is_lower_bound` says that more than `value_usd` may have been liquidated.
CREATE VIEW IF NOT EXISTS completeness_hours AS
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
        GROUP BY hour, exchange
    ),
    gap_parts AS
    (
        SELECT
            exchange,
            toUnixTimestamp64Milli(gap_from) AS from_ms,
            toUnixTimestamp64Milli(gap_to) AS to_ms,
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
            intervalLengthSum(
                greatest(from_ms, toInt64(hour_number * 3600000)),
                least(to_ms, toInt64((hour_number + 1) * 3600000))
            ) / 1000 AS gap_seconds
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
    toBool(value_usd != complete_usd OR gap_seconds > 0) AS is_lower_bound
FROM
(
    SELECT
        hour,
        exchange,
        events AS part_events,
        value_usd AS part_usd,
        complete_usd AS part_complete_usd,
        0. AS part_gap_seconds
    FROM sums
    UNION ALL
    SELECT hour, exchange, 0, toDecimal128(0, 12), toDecimal128(0, 12), gap_seconds
    FROM gaps
)
GROUP BY hour, exchange;

-- A frame that two producers received is two frames, but one payload. The example is the one of
-- the earliest position.
CREATE VIEW IF NOT EXISTS rejected_by_reason AS
SELECT
    r.exchange AS exchange,
    r.stage AS stage,
    r.reason AS reason,
    uniqExact(r.raw_topic, r.raw_partition, r.raw_offset) AS frames,
    uniqExact(r.payload_base64) AS payloads,
    count() AS entries,
    argMin(r.detail, (r.raw_topic, r.raw_partition, r.raw_offset, r.entry)) AS example,
    min(r.received_at) AS first_received_at,
    max(r.received_at) AS last_received_at
FROM rejected AS r FINAL
GROUP BY exchange, stage, reason;
