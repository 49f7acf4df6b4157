-- Within an hour, times and offsets are a few bits apart, but not evenly: T64 stores those bits and
-- needs two bytes a row less than differences of differences do. Stored parts stay readable; they
-- change when they are merged.
ALTER TABLE liquidations
    MODIFY COLUMN timestamp CODEC(T64, ZSTD(1)),
    MODIFY COLUMN received_at CODEC(T64, ZSTD(1)),
    MODIFY COLUMN src_offset CODEC(T64, ZSTD(1)),
    MODIFY COLUMN raw_offset CODEC(T64, ZSTD(1));
