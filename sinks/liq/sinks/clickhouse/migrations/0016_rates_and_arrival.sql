-- What a liquidation was valued with, and how it reached the log.
ALTER TABLE liquidations
    ADD COLUMN IF NOT EXISTS contract_version LowCardinality(Nullable(String)) COMMENT 'Contract metadata that sizes were read with; null where the symbol says all' AFTER liquidator,
    ADD COLUMN IF NOT EXISTS rate Nullable(Decimal(38, 12)) COMMENT 'USD of one rate_currency, where the value was converted' CODEC(ZSTD(1)) AFTER contract_version,
    ADD COLUMN IF NOT EXISTS rate_currency LowCardinality(Nullable(String)) COMMENT 'The currency that was converted' AFTER rate,
    ADD COLUMN IF NOT EXISTS rate_age_ms Nullable(UInt64) COMMENT 'Age of the rate at the receipt of the frame' CODEC(ZSTD(1)) AFTER rate_currency,
    ADD COLUMN IF NOT EXISTS arrival LowCardinality(String) DEFAULT 'live' COMMENT 'live, or late by nature: retried, backfilled, completed, imported' AFTER rate_age_ms;

-- Each version of a contract is a row: the history of its sizes stays.
ALTER TABLE instruments
    ADD COLUMN IF NOT EXISTS valid_from DateTime64(3, 'UTC') COMMENT 'Since when the values hold; 1970 is always' AFTER as_of,
    MODIFY ORDER BY (exchange, native_symbol, valid_from);

ALTER TABLE feeds
    COMMENT COLUMN event 'connected, lost, gap, stale, refused, storm, unread or moved';
