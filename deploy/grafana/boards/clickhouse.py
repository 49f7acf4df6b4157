"""Does ClickHouse get its rows, are they whole, and how large have they become?"""

from typing import Final

from deploy.grafana.boards.parts import Bars, Board, Graph, Number, Prom, Row, Table

BOARD: Final = Board(
    "clickhouse",
    "Liquidations: ClickHouse",
    "Loading by the sink, completeness of what is stored, and the size of the tables.",
    since="now-24h",
    rows=(
        Row(
            "Loading",
            (
                Graph(
                    "Records waiting",
                    "Records that the sink has not stored yet, by topic.",
                    "short",
                    (
                        Prom(
                            'job_topic:liq_consumer_lag_records:sum{job="sink"}',
                            "{{topic}}",
                        ),
                    ),
                ),
                Graph(
                    "Rows stored and skipped",
                    "Rows a second; skipped ones were delivered again and are stored already.",
                    "ops",
                    (
                        Prom(
                            "sum by (table) (rate(liq_sink_rows_total[$__rate_interval]))",
                            "{{table}}",
                        ),
                        Prom(
                            "sum by (table) (rate(liq_sink_skipped_total[$__rate_interval])) > 0",
                            "{{table}} skipped",
                        ),
                    ),
                ),
                Graph(
                    "Time of inserts",
                    "Half of the inserts of ten minutes, and the slowest of 100.",
                    "s",
                    (
                        Prom(
                            "histogram_quantile(0.5, sum by (le) "
                            "(rate(liq_sink_insert_seconds_bucket[10m])))",
                            "half",
                        ),
                        Prom("max(job:liq_sink_insert_seconds:p99_10m)", "99 of 100"),
                    ),
                    alarm_from=10,
                ),
                Graph(
                    "Paused or waiting",
                    "Sinks that wait for ClickHouse, and breakers that are not closed.",
                    "short",
                    (
                        Prom("max by (instance) (liq_sink_paused)", "{{instance}} paused"),
                        Prom(
                            "max by (instance, state) "
                            '(liq_sink_circuit_breaker{state!="closed"}) > 0',
                            "{{instance}} {{state}}",
                        ),
                    ),
                ),
                Graph(
                    "Rows in memory",
                    "Rows that are read and not yet acknowledged.",
                    "short",
                    (Prom("max by (instance) (liq_sink_buffered_rows)", "{{instance}}"),),
                ),
                Graph(
                    "Inserts tried again",
                    "In ten minutes, by reason.",
                    "short",
                    (
                        Prom(
                            'sum by (reason) (increase(liq_sink_retries_total{job="sink"}[10m]))',
                            "{{reason}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "What is stored",
            (
                Number(
                    "Newest liquidation",
                    "Age of the newest liquidation of the last month. A quiet market has old ones.",
                    "s",
                    sql="""
SELECT dateDiff('second', max(timestamp), now64(3)) AS age
FROM liquidation_events
WHERE timestamp >= now() - INTERVAL 31 DAY
""",
                    span=6,
                ),
                Bars(
                    "Liquidations by exchange",
                    "Events stored, by ten minutes of the exchange's clock.",
                    "short",
                    sql="""
SELECT toStartOfInterval(timestamp, INTERVAL 10 minute) AS time, exchange, count() AS events
FROM liquidation_events
WHERE $__timeFilter(timestamp)
GROUP BY time, exchange
ORDER BY time, exchange
""",
                    span=18,
                ),
                Table(
                    "Gaps",
                    "Times in which liquidations of a connection may be missing.",
                    "none",
                    sql="""
SELECT gap_from, gap_to, exchange, feed, connection, gap_seconds, detail
FROM feed_gaps
WHERE $__timeFilter(gap_from)
ORDER BY gap_from DESC
LIMIT 100
""",
                ),
                Table(
                    "What was not understood",
                    "Rejected frames and entries by reason, of all times, with an example.",
                    "none",
                    sql="""
SELECT exchange, stage, reason, frames, entries, example
FROM rejected_by_reason
ORDER BY frames DESC
LIMIT 50
""",
                ),
                Table(
                    "Tables",
                    "Rows (repeats that are not merged yet included), bytes on disk, and parts."
                    " ClickHouse slows inserts when a partition has many hundred parts.",
                    "none",
                    sql="""
SELECT name, total_rows, formatReadableSize(total_bytes) AS size, active_parts AS parts
FROM system.tables
WHERE database = currentDatabase() AND total_rows > 0
ORDER BY total_bytes DESC
""",
                    span=24,
                ),
            ),
        ),
    ),
)
