-- What `liq backtest` finds: a row a configuration and run, and a row a cascade of it. The same
-- events and configurations give the same run_id, so that a run that is repeated replaces itself.
CREATE TABLE IF NOT EXISTS backtest_runs
(
    run_id          String COMMENT 'The same for the same events and configurations',
    configuration   LowCardinality(String) COMMENT 'The name that it was given',
    source          String COMMENT 'Where the events came from',
    since           DateTime64(3, 'UTC') COMMENT 'Receipt of the first event',
    until           DateTime64(3, 'UTC') COMMENT 'Receipt of the last event',
    events          UInt64,
    value_usd       Decimal(38, 2) COMMENT 'All liquidated dollars',
    detector        LowCardinality(String) COMMENT 'Algorithm and digest of the values',
    settings        String COMMENT 'The values as JSON',
    messages        UInt64 COMMENT 'Alerts to people, children folded into the market',
    messages_a_day  Float64,
    asset_cascades  UInt64,
    market_cascades UInt64,
    inside_share    Float64 COMMENT 'Share of the dollars within cascades',
    to_come_median  Nullable(Float64) COMMENT 'Share of a told cascade to come at its first message',
    to_come_mean    Nullable(Float64),
    forecasts       UInt64 COMMENT 'Records with a continue_probability',
    happened        Nullable(Float64) COMMENT 'How often what was forecast happened',
    brier           Nullable(Float64) COMMENT 'Mean squared error of the probabilities',
    brier_skill     Nullable(Float64) COMMENT 'How much better than naming the frequency',
    ingested_at     DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (run_id, configuration);

CREATE TABLE IF NOT EXISTS backtest_cascades
(
    run_id          String,
    configuration   LowCardinality(String),
    cascade_id      String,
    scope           LowCardinality(String) COMMENT 'asset or market',
    asset           LowCardinality(String),
    side            Enum8('LONG' = 1, 'SHORT' = 2) COMMENT 'The positions that were liquidated',
    started_at      DateTime64(3, 'UTC'),
    ended_at        Nullable(DateTime64(3, 'UTC')),
    told_at         Nullable(DateTime64(3, 'UTC')) COMMENT 'The first message; null where nobody was told',
    event_count     UInt64,
    total_value_usd Decimal(76, 12),
    level           LowCardinality(String),
    risk_score      Float64 COMMENT '0 to 100, at the worst',
    to_come         Nullable(Float64) COMMENT 'Share of the dollars after the first message',
    explanation     String,
    record          String COMMENT 'The record of the end, as JSON' CODEC(ZSTD(3)),
    ingested_at     DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (run_id, configuration, cascade_id);
