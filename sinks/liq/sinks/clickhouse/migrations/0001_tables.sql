-- The base tables. Each is keyed by the identity of its record, so that a record that arrives
-- again, under whatever offset, replaces itself. Read them with FINAL.
--
-- src_*  where the loader read the record (our own topics)
-- raw_*  the raw frame that it came from; an empty raw_topic means unknown

CREATE TABLE IF NOT EXISTS liquidations
(
    timestamp        DateTime64(3, 'UTC') COMMENT 'Exchange clock' CODEC(DoubleDelta, ZSTD(1)),
    received_at      DateTime64(3, 'UTC') COMMENT 'Producer clock' CODEC(DoubleDelta, ZSTD(1)),
    exchange         LowCardinality(String),
    symbol           LowCardinality(String) COMMENT 'Unified: base and USDT for every USD-like quote',
    native_symbol    LowCardinality(String) COMMENT 'As the exchange writes it',
    base             LowCardinality(String),
    quote            LowCardinality(String),
    settle           LowCardinality(String),
    contract         LowCardinality(String) COMMENT 'linear, inverse or quanto',
    side             Enum8('LONG' = 1, 'SHORT' = 2) COMMENT 'The position that was liquidated',
    price            Decimal(38, 12) COMMENT 'USD for one unit of base' CODEC(ZSTD(1)),
    price_kind       LowCardinality(String) COMMENT 'average_fill, fill, bankruptcy, order or mark',
    quantity         Decimal(38, 12) COMMENT 'Units of base' CODEC(ZSTD(1)),
    value_usd        Decimal(38, 12) CODEC(ZSTD(1)),
    completeness     LowCardinality(String) COMMENT 'complete, sampled or backstop',
    evidence         LowCardinality(String) COMMENT 'reported or inferred',
    is_institutional Bool,
    price_level      Decimal(38, 12) COMMENT 'price, rounded for grouping' CODEC(ZSTD(1)),
    liquidated_user  Nullable(String) CODEC(ZSTD(1)),
    liquidator       LowCardinality(Nullable(String)),
    event_id         String COMMENT 'The same however often the event arrives' CODEC(ZSTD(1)),
    schema_version   UInt16 CODEC(T64, ZSTD(1)),
    src_topic        LowCardinality(String),
    src_partition    UInt16 CODEC(T64, ZSTD(1)),
    src_offset       UInt64 CODEC(Delta, ZSTD(1)),
    raw_topic        LowCardinality(String),
    raw_partition    UInt16 CODEC(T64, ZSTD(1)),
    raw_offset       UInt64 CODEC(Delta, ZSTD(1)),
    ingested_at      DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    INDEX event_id_bloom event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX src_offset_range src_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (toStartOfHour(timestamp), symbol, exchange, timestamp, event_id);

-- No partitions: the key holds only what is the same in every delivery of an alert.
CREATE TABLE IF NOT EXISTS cascades
(
    cascade_id        String COMMENT 'The same for all alerts of one cascade',
    alert_id          String COMMENT 'The same however often the alert arrives',
    sequence          UInt32 COMMENT 'Counts the alerts of a cascade from 0',
    type              LowCardinality(String) COMMENT 'CASCADE_DETECTED, CASCADE_ESCALATED or CASCADE_ENDED',
    scope             LowCardinality(String) COMMENT 'asset or market',
    asset             LowCardinality(String),
    side              Enum8('LONG' = 1, 'SHORT' = 2) COMMENT 'The positions that were liquidated',
    started_at        DateTime64(3, 'UTC'),
    timestamp         DateTime64(3, 'UTC') COMMENT 'Exchange time of this alert',
    ended_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'Null while the cascade runs',
    event_count       UInt64,
    total_value_usd   Decimal(38, 12),
    long_ratio        Float64 COMMENT 'Share of longs in the dollars of the window',
    exchanges         Array(LowCardinality(String)),
    symbols           Array(LowCardinality(String)),
    risk_score        Float64 COMMENT '0 to 100',
    score_speed         Float64,
    score_volume        Float64,
    score_imbalance     Float64,
    score_concentration Float64,
    score_breadth       Float64,
    basic_risk_score  Float64 COMMENT '0 to 100',
    price_first       Decimal(38, 12),
    price_last        Decimal(38, 12),
    largest_event_ids Array(String),
    detector          LowCardinality(String),
    schema_version    UInt16,
    src_topic         LowCardinality(String),
    src_partition     UInt16,
    src_offset        UInt64,
    ingested_at       DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (asset, cascade_id, sequence, alert_id);

-- A refused frame is known by its own position. For stage 'sink' that is a record of ours.
CREATE TABLE IF NOT EXISTS rejected
(
    received_at    DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stage          LowCardinality(String) COMMENT 'normalize or sink',
    reason         LowCardinality(String),
    detail         String CODEC(ZSTD(3)),
    exchange       LowCardinality(String),
    feed           LowCardinality(String),
    entry          UInt32 COMMENT 'Counts the rejections of one frame from 0',
    payload_base64 String COMMENT 'The exact bytes that were refused' CODEC(ZSTD(6)),
    payload        String ALIAS base64Decode(payload_base64),
    schema_version UInt16,
    raw_topic      LowCardinality(String),
    raw_partition  UInt16,
    raw_offset     UInt64,
    src_topic      LowCardinality(String),
    src_partition  UInt16,
    src_offset     UInt64,
    ingested_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (raw_topic, raw_partition, raw_offset, stage, entry);

CREATE TABLE IF NOT EXISTS feeds
(
    timestamp      DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exchange       LowCardinality(String),
    feed           LowCardinality(String),
    connection     String,
    event          LowCardinality(String) COMMENT 'connected, lost, gap, stale or refused',
    detail         String,
    gap_from       Nullable(DateTime64(3, 'UTC')) COMMENT 'Frames may be missing from here',
    gap_to         Nullable(DateTime64(3, 'UTC')) COMMENT 'Frames may be missing up to here',
    schema_version UInt16,
    src_topic      LowCardinality(String),
    src_partition  UInt16,
    src_offset     UInt64,
    ingested_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (exchange, feed, timestamp, connection, event, detail);
