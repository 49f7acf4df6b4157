-- What a symbol stands for. The topic is compacted: the newest publication of a contract wins,
-- in whatever order publications arrive.
CREATE TABLE IF NOT EXISTS instruments
(
    exchange       LowCardinality(String),
    native_symbol  String,
    base           LowCardinality(String),
    quote          LowCardinality(String),
    settle         LowCardinality(String),
    contract       LowCardinality(String) COMMENT 'linear, inverse or quanto',
    contract_size  Decimal(38, 12) COMMENT 'Base units of a size of 1; quote units for inverse',
    as_of          Date COMMENT 'When the values were true',
    published_at   DateTime64(3, 'UTC') COMMENT 'Time of the Kafka record',
    schema_version UInt16,
    src_topic      LowCardinality(String),
    src_partition  UInt16,
    src_offset     UInt64,
    ingested_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(published_at)
ORDER BY (exchange, native_symbol);

-- Frames as they came, where the archive is switched on. The time is in the key because a topic
-- that was deleted and made again gives its offsets out a second time.
CREATE TABLE IF NOT EXISTS raw_frames
(
    received_at   DateTime64(9, 'UTC') COMMENT 'Producer clock' CODEC(DoubleDelta, ZSTD(1)),
    exchange      LowCardinality(String),
    feed          LowCardinality(String),
    connection    LowCardinality(String),
    sequence      UInt64 COMMENT 'Counts the frames of a connection from 0' CODEC(Delta, ZSTD(1)),
    frame         String COMMENT 'The exact bytes' CODEC(ZSTD(6)),
    src_topic     LowCardinality(String),
    src_partition UInt16 CODEC(T64, ZSTD(1)),
    src_offset    UInt64 CODEC(Delta, ZSTD(1)),
    ingested_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMM(received_at)
ORDER BY (src_topic, src_partition, received_at, src_offset);
