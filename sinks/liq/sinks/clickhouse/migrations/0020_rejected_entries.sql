-- A rejection is one row for a frame. The arrays hold every rejected entry of the frame, the first
-- included. They are empty where a frame has one rejection, and in rows of older normalizers, which
-- published one record, and so one row, for each entry.
ALTER TABLE rejected
    ADD COLUMN IF NOT EXISTS entry_numbers Array(UInt32) COMMENT 'Of each rejected entry, counted from 0; empty where there is only one' AFTER payload_base64,
    ADD COLUMN IF NOT EXISTS entry_reasons Array(LowCardinality(String)) COMMENT 'Of each rejected entry' AFTER entry_numbers,
    ADD COLUMN IF NOT EXISTS entry_details Array(String) COMMENT 'Of each rejected entry' CODEC(ZSTD(3)) AFTER entry_reasons;

ALTER TABLE rejected
    COMMENT COLUMN IF EXISTS entry 'Not 0 only in rows of older normalizers, which wrote one for each entry';

-- Counts entries, once each. A frame may have rows of an older normalizer, which rejected it entry by
-- entry, beside the row of a newer one, which counts. The payload is hashed before the arrays are
-- joined, because a join repeats what it passes on. A frame that two producers received is two
-- frames, but one payload. The example is the one of the earliest position.
CREATE OR REPLACE VIEW rejected_by_reason AS
WITH
    frames AS
    (
        SELECT
            r.received_at AS received_at,
            r.stage AS stage,
            r.exchange AS exchange,
            (r.raw_topic, r.raw_partition, r.raw_offset) AS place,
            sipHash64(r.payload_base64) AS payload_hash,
            length(r.entry_numbers) AS entry_count,
            if(entry_count = 0, [r.entry], r.entry_numbers) AS numbers,
            if(entry_count = 0, [r.reason], r.entry_reasons) AS reasons,
            if(entry_count = 0, [r.detail], r.entry_details) AS details
        FROM rejected AS r FINAL
    ),
    entries AS
    (
        SELECT received_at, stage, exchange, place, payload_hash, number, reason, detail
        FROM frames
        ARRAY JOIN numbers AS number, reasons AS reason, details AS detail
        ORDER BY entry_count DESC
        LIMIT 1 BY place, stage, number
    )
SELECT
    e.exchange AS exchange,
    e.stage AS stage,
    e.reason AS reason,
    uniqExact(e.place) AS frames,
    uniqExact(e.payload_hash) AS payloads,
    count() AS entries,
    argMin(e.detail, (e.place, e.number)) AS example,
    min(e.received_at) AS first_received_at,
    max(e.received_at) AS last_received_at
FROM entries AS e
GROUP BY exchange, stage, reason;
