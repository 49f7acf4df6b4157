-- What the producer's clock said where the log does not believe it; `received_at` is then the time at
-- which the broker appended the frame.
ALTER TABLE liquidations
    ADD COLUMN IF NOT EXISTS stamped_at Nullable(DateTime64(3, 'UTC')) COMMENT 'What the producer said, where received_at is the append time instead; else null' CODEC(ZSTD(1)) AFTER arrival;

ALTER TABLE feeds
    COMMENT COLUMN event 'connected, lost, gap, stale, refused, storm, unread, moved or clock';
