-- Snapshots of open positions. A snapshot that is delivered twice has the same keys.
CREATE TABLE IF NOT EXISTS open_positions
(
    snapshot_at       DateTime64(3, 'UTC') COMMENT 'When the snapshot was received' CODEC(DoubleDelta, ZSTD(1)),
    exchange          LowCardinality(String),
    symbol            LowCardinality(String) COMMENT 'Unified: base and USDT for every USD-like quote',
    native_symbol     LowCardinality(String) COMMENT 'As the exchange writes it',
    base              LowCardinality(String),
    side              Enum8('LONG' = 1, 'SHORT' = 2) COMMENT 'The position',
    quantity          Decimal(76, 12) COMMENT 'Units of base' CODEC(ZSTD(1)),
    value_usd         Decimal(76, 12) COMMENT 'quantity times mark_price' CODEC(ZSTD(1)),
    mark_price        Decimal(76, 18) COMMENT 'USD for one unit of base' CODEC(ZSTD(1)),
    liquidation_price Nullable(Decimal(38, 12)) COMMENT 'Estimate of the exchange; NULL where it states none' CODEC(ZSTD(1)),
    entry_price       Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    position_id       String COMMENT 'The same for an account and symbol in every snapshot' CODEC(ZSTD(1)),
    schema_version    UInt16 CODEC(T64, ZSTD(1)),
    src_topic         LowCardinality(String),
    src_partition     UInt16 CODEC(T64, ZSTD(1)),
    src_offset        UInt64 CODEC(Delta, ZSTD(1)),
    ingested_at       DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMM(snapshot_at)
ORDER BY (exchange, snapshot_at, symbol, position_id);

-- The newest snapshot of each exchange: the positions that would be liquidated by a move of the mark
-- price, in steps of a percent of it. A long has steps below zero, a short above. Positions without a
-- liquidation price have a step of NULL.
CREATE OR REPLACE VIEW liquidation_map AS
WITH newest AS
(
    SELECT n.exchange AS exchange, max(n.snapshot_at) AS snapshot_at
    FROM open_positions AS n
    GROUP BY exchange
)
SELECT
    p.exchange AS exchange,
    p.snapshot_at AS snapshot_at,
    p.symbol AS symbol,
    p.base AS asset,
    p.side AS side,
    toInt32(floor(round((toFloat64(p.liquidation_price) / toFloat64(p.mark_price) - 1) * 100, 6))) AS move_percent,
    count() AS positions,
    sum(p.value_usd) AS value_usd,
    min(p.liquidation_price) AS lowest_price,
    max(p.liquidation_price) AS highest_price
FROM open_positions AS p FINAL
INNER JOIN newest ON p.exchange = newest.exchange AND p.snapshot_at = newest.snapshot_at
GROUP BY exchange, snapshot_at, symbol, asset, side, move_percent;
