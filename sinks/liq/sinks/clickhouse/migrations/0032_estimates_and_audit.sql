-- What a sampled venue's sums leave out, and what is known about each venue's sums.

-- One row an hour and exchange. `value_usd` is what the venue published: for a sampled one the least
-- that it can have been. Where the venue publishes the largest order of a symbol and second, as
-- Binance does since 2026-04-14 and Bitget does, `estimate_usd` is the published sum times what complete
-- venues lose in the same period when they are thinned in the same way: one factor for minutes with 1,
-- 2 or 3, 4 to 7, and 8 or more seconds with a liquidation of the symbol. `high_usd` takes the factor that 95
-- of 100 hours of the complete venues stay under. Both are null where the venue's rule is another one or
-- unknown, or where the period has fewer than six hours of complete feeds.
CREATE OR REPLACE VIEW estimated_hours AS
WITH
    seconds AS
    (
        SELECT
            l.exchange AS exchange,
            l.completeness = 'complete' AS is_complete,
            l.symbol AS symbol,
            toStartOfSecond(l.timestamp) AS second,
            count() AS events,
            sum(l.value_usd) AS value_usd,
            max(l.value_usd) AS largest_usd
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')} AND l.timestamp < {until:DateTime64(3, 'UTC')}
        GROUP BY exchange, is_complete, symbol, second
    ),
    minutes AS
    (
        SELECT
            exchange,
            is_complete,
            symbol,
            toStartOfMinute(s.second) AS minute,
            least(3, toUInt8(floor(log2(count())))) AS busyness,
            sum(s.events) AS events,
            sum(s.value_usd) AS value_usd,
            sum(s.largest_usd) AS largest_usd
        FROM seconds AS s
        GROUP BY exchange, is_complete, symbol, minute
    ),
    factors AS
    (
        SELECT
            busyness,
            sum(toFloat64(value_usd)) / sum(toFloat64(largest_usd)) AS factor
        FROM minutes
        WHERE is_complete AND largest_usd > 0
        GROUP BY busyness
    ),
    spread AS
    (
        SELECT if(count() < 6, NULL, quantileExact(0.95)(factor)) AS high_factor
        FROM
        (
            SELECT sum(toFloat64(value_usd)) / sum(toFloat64(largest_usd)) AS factor
            FROM minutes
            WHERE is_complete AND largest_usd > 0
            GROUP BY toStartOfHour(minute)
        )
    ),
    hours AS
    (
        SELECT
            toStartOfHour(m.minute) AS hour,
            m.exchange AS exchange,
            min(m.is_complete) AS is_complete,
            NOT is_complete
                AND (exchange = 'bitget' OR (exchange = 'binance' AND hour >= toDateTime('2026-04-14 00:00:00', 'UTC')))
                AS is_largest,
            sum(m.events) AS events,
            sum(m.value_usd) AS value_usd,
            sum(toFloat64(m.value_usd) * if(m.is_complete, 1, greatest(1, f.factor))) AS expected_usd
        FROM minutes AS m
        LEFT JOIN factors AS f ON f.busyness = m.busyness
        GROUP BY hour, exchange
    )
SELECT
    h.hour AS hour,
    h.exchange AS exchange,
    multiIf(h.is_complete, 'complete', h.is_largest, 'largest of a second', 'unknown') AS published,
    h.events AS events,
    h.value_usd AS value_usd,
    multiIf(
        h.is_complete, toFloat64(h.value_usd),
        h.is_largest AND s.high_factor IS NOT NULL, round(h.expected_usd, 2),
        NULL
    ) AS estimate_usd,
    multiIf(
        h.is_complete, toFloat64(h.value_usd),
        h.is_largest, round(greatest(h.expected_usd, toFloat64(h.value_usd) * s.high_factor), 2),
        NULL
    ) AS high_usd
FROM hours AS h
CROSS JOIN spread AS s;

-- One row an exchange: what its sum over a period rests on. `late_*` are liquidations that the live feed
-- missed and a history, an import or a retry brought; `live_share` is the live feed's part of what
-- is known now. `gap_seconds` is how long at least one connection was down.
CREATE OR REPLACE VIEW venue_audit AS
WITH
    sums AS
    (
        SELECT
            l.exchange AS exchange,
            count() AS events,
            sum(l.value_usd) AS value_usd,
            uniqExact(l.symbol) AS symbols,
            countIf(l.arrival != 'live') AS late_events,
            sumIf(l.value_usd, l.arrival != 'live') AS late_usd,
            countIf(l.evidence = 'inferred') AS inferred_events,
            max(l.timestamp) AS last_at
        FROM liquidations AS l FINAL
        WHERE NOT l.is_implausible
            AND l.timestamp >= {since:DateTime64(3, 'UTC')} AND l.timestamp < {until:DateTime64(3, 'UTC')}
        GROUP BY exchange
    ),
    estimates AS
    (
        SELECT
            e.exchange AS exchange,
            arrayStringConcat(arraySort(groupUniqArray(e.published)), ', ') AS published,
            if(countIf(e.estimate_usd IS NULL) > 0, NULL, round(sum(e.estimate_usd), 2)) AS estimate_usd
        FROM estimated_hours(since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}) AS e
        GROUP BY exchange
    ),
    gaps AS
    (
        SELECT
            g.exchange AS exchange,
            intervalLengthSum(
                toUnixTimestamp64Milli(greatest(g.gap_from, {since:DateTime64(3, 'UTC')})),
                toUnixTimestamp64Milli(least(g.gap_to, {until:DateTime64(3, 'UTC')}))
            ) / 1000 AS gap_seconds
        FROM feed_gaps AS g
        WHERE g.gap_to > {since:DateTime64(3, 'UTC')} AND g.gap_from < {until:DateTime64(3, 'UTC')}
        GROUP BY exchange
    ),
    rejections AS
    (
        SELECT r.exchange AS exchange, sum(greatest(1, length(r.entry_numbers))) AS rejected_entries
        FROM rejected AS r FINAL
        WHERE r.received_at >= {since:DateTime64(3, 'UTC')} AND r.received_at < {until:DateTime64(3, 'UTC')}
        GROUP BY exchange
    )
SELECT
    s.exchange AS exchange,
    e.published AS published,
    s.events AS events,
    s.symbols AS symbols,
    s.value_usd AS value_usd,
    e.estimate_usd AS estimate_usd,
    s.late_events AS late_events,
    s.late_usd AS late_usd,
    round(1 - toFloat64(s.late_events) / s.events, 6) AS live_share,
    s.inferred_events AS inferred_events,
    g.gap_seconds AS gap_seconds,
    j.rejected_entries AS rejected_entries,
    round(toFloat64(s.value_usd) / nullIf(toFloat64(sum(s.value_usd) OVER ()), 0), 6) AS usd_share,
    s.last_at AS last_at
FROM sums AS s
LEFT JOIN estimates AS e ON e.exchange = s.exchange
LEFT JOIN gaps AS g ON g.exchange = s.exchange
LEFT JOIN rejections AS j ON j.exchange = s.exchange;
