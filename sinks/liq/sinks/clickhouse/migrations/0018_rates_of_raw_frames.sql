-- The rates that an archived frame came with: what values in other currencies are read with.
ALTER TABLE raw_frames
    ADD COLUMN IF NOT EXISTS rates String DEFAULT '' COMMENT 'Dollars of other currencies and ages in ms, such as BTC=64000.5@20000; empty for none' CODEC(ZSTD(1)) AFTER frame;
