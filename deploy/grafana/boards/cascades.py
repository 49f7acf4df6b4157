"""What does the market do? Cascades of the detector, and the liquidations behind them."""

from typing import Final

from deploy.grafana.boards.parts import Bars, Board, Graph, Number, Prom, Row, Table

BOARD: Final = Board(
    "cascades",
    "Liquidations: cascades",
    "Open cascades and alerts (Prometheus), and what is stored of them (ClickHouse).",
    since="now-24h",
    rows=(
        Row(
            "Now",
            (
                Graph(
                    "Risk of open cascades",
                    "Score from 0 to 100 of each asset and side that is above 0.",
                    "short",
                    (
                        Prom(
                            "max by (asset, side) (liq_cascade_risk_score) > 0",
                            "{{asset}} {{side}}",
                        ),
                    ),
                ),
                Graph(
                    "Alerts",
                    "Alerts published in ten minutes, by type.",
                    "short",
                    (Prom("sum by (type) (increase(liq_alerts_total[10m]))", "{{type}}"),),
                ),
                Graph(
                    "Branching ratio",
                    "Liquidations that one triggers, the ten largest. Near 1 is critical.",
                    "short",
                    (
                        Prom(
                            "topk(10, max by (asset, side) (liq_branching_ratio))",
                            "{{asset}} {{side}}",
                        ),
                    ),
                    alarm_from=0.9,
                ),
                Graph(
                    "Left out by the detector",
                    "Events in ten minutes, by reason: duplicate, late, implausible and others.",
                    "short",
                    (
                        Prom(
                            "sum by (reason) (increase(liq_detector_left_out_total[10m])) > 0",
                            "{{reason}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Stored",
            (
                Number(
                    "Liquidated",
                    "Dollars in the chosen time. Sums over sampled exchanges are lower bounds.",
                    "currencyUSD",
                    sql="""
SELECT toFloat64(sum(value_usd)) AS usd
FROM liquidation_events
WHERE $__timeFilter(timestamp)
""",
                    span=6,
                ),
                Bars(
                    "Dollars by side",
                    "Liquidated longs and shorts, by ten minutes.",
                    "currencyUSD",
                    sql="""
SELECT toStartOfInterval(timestamp, INTERVAL 10 minute) AS time,
       toFloat64(sumIf(value_usd, side = 'LONG')) AS longs,
       toFloat64(sumIf(value_usd, side = 'SHORT')) AS shorts
FROM liquidation_events
WHERE $__timeFilter(timestamp)
GROUP BY time
ORDER BY time
""",
                    span=18,
                ),
                Table(
                    "Cascades",
                    "As their newest alert says, the newest first. Times are UTC.",
                    "none",
                    sql="""
SELECT started_at, ended_at, scope, asset, side, toFloat64(total_value_usd) AS usd, event_count,
       risk_score, exchanges, is_open, parent_id
FROM cascades_latest
WHERE $__timeFilter(started_at)
ORDER BY started_at DESC
LIMIT 100
""",
                    span=24,
                    height=10,
                ),
                Table(
                    "The largest liquidations",
                    "Prices are of different kinds: compare those of one kind only.",
                    "none",
                    sql="""
SELECT timestamp, exchange, symbol, side, toFloat64(value_usd) AS usd, toFloat64(price) AS price,
       price_kind, completeness
FROM liquidation_events
WHERE $__timeFilter(timestamp)
ORDER BY value_usd DESC
LIMIT 50
""",
                    height=10,
                ),
                Table(
                    "Symbols",
                    "Dollars, events and the share of longs.",
                    "none",
                    sql="""
SELECT symbol, toFloat64(sum(value_usd)) AS usd, count() AS events,
       round(toFloat64(sumIf(value_usd, side = 'LONG')) / nullIf(usd, 0), 3) AS long_share
FROM liquidation_events
WHERE $__timeFilter(timestamp)
GROUP BY symbol
ORDER BY usd DESC
LIMIT 50
""",
                    height=10,
                ),
            ),
        ),
    ),
)
