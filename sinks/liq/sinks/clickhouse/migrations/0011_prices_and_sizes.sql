-- Where positions were closed, and how large they were.

-- A heat map: levels by hours. Prices of all kinds are counted, and a bankruptcy price lies beyond
-- the price at which the position was closed; `price_kind` of the events tells them apart.
CREATE VIEW IF NOT EXISTS price_level_hours AS
SELECT
    toStartOfHour(l.timestamp) AS hour,
    l.symbol AS symbol,
    l.price_level AS price_level,
    l.side AS side,
    count() AS events,
    sum(l.value_usd) AS value_usd
FROM liquidations AS l FINAL
GROUP BY hour, symbol, price_level, side;

-- Quantiles are exact: each is the size of a liquidation that happened. An empty symbol stands for
-- all symbols of the exchange.
CREATE VIEW IF NOT EXISTS size_distribution AS
SELECT
    l.exchange AS exchange,
    l.symbol AS symbol,
    count() AS events,
    sum(l.value_usd) AS value_usd,
    round(value_usd / events, 2) AS mean_usd,
    quantilesExact(0.25, 0.5, 0.75, 0.9, 0.99)(l.value_usd) AS quantiles,
    quantiles[1] AS p25_usd,
    quantiles[2] AS median_usd,
    quantiles[3] AS p75_usd,
    quantiles[4] AS p90_usd,
    quantiles[5] AS p99_usd,
    max(l.value_usd) AS largest_usd
FROM liquidations AS l FINAL
GROUP BY GROUPING SETS ((exchange, symbol), (exchange));

-- A histogram in steps of about 3: a bucket reaches from from_usd up to the next one's.
CREATE VIEW IF NOT EXISTS size_buckets AS
SELECT
    l.exchange AS exchange,
    l.symbol AS symbol,
    l.side AS side,
    arrayLast(
        edge -> l.value_usd >= edge,
        [0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000, 3000000, 10000000]
    ) AS from_usd,
    count() AS events,
    sum(l.value_usd) AS value_usd
FROM liquidations AS l FINAL
GROUP BY exchange, symbol, side, from_usd;
