"""Is a liquidation on its way from the exchange to its readers, and how fast?"""

from typing import Final

from deploy.grafana.boards.parts import Board, Graph, Number, Prom, Row

BOARD: Final = Board(
    "pipeline",
    "Liquidations: pipeline",
    "From the exchanges' frames to alerts, rows and messages: what flows, what waits, what fails.",
    rows=(
        Row(
            "Now",
            (
                Number(
                    "Detection has decided until",
                    "Age of the second until which alerts are decided; of a replay, its log's.",
                    "s",
                    (
                        Prom(
                            "max by (scope) (liq_detection_decided_age_seconds)",
                            "{{scope}}",
                        ),
                    ),
                    span=6,
                    height=5,
                    warn_from=10,
                    alarm_from=30,
                ),
                Number(
                    "Workers that answer",
                    "Workers of each kind that Prometheus reaches.",
                    "short",
                    (Prom("sum by (job) (up)", "{{job}}"),),
                    span=10,
                    height=5,
                ),
                Number(
                    "Alerts firing",
                    "Alert rules that fire now, by severity; the runbook has a section for each.",
                    "short",
                    (
                        Prom(
                            'sum by (severity) (ALERTS{alertname=~"Liq.*",alertstate="firing"})'
                            " or vector(0)",
                            "{{severity}}",
                        ),
                    ),
                    span=4,
                    height=5,
                    warn_from=1,
                ),
                Number(
                    "Feeds without a connection",
                    "Feeds to which no producer is subscribed.",
                    "short",
                    (
                        Prom(
                            "count(exchange_feed:liq_feed_connections:sum == 0) or vector(0)",
                            "feeds",
                        ),
                    ),
                    span=4,
                    height=5,
                    alarm_from=1,
                ),
            ),
        ),
        Row(
            "Flow",
            (
                Graph(
                    "Frames received",
                    "Frames a second from each exchange.",
                    "ops",
                    (Prom("exchange:liq_frames:rate1m", "{{exchange}}"),),
                ),
                Graph(
                    "Liquidations",
                    "Normalized liquidations a second.",
                    "ops",
                    (Prom("exchange_side:liq_events:rate1m", "{{exchange}} {{side}}"),),
                ),
                Graph(
                    "Records waiting",
                    "Records that a kind of worker has not handled yet, by topic.",
                    "short",
                    (Prom("job_topic:liq_consumer_lag_records:sum", "{{job}} {{topic}}"),),
                ),
                Graph(
                    "Rows stored",
                    "Rows a second that ClickHouse acknowledged.",
                    "ops",
                    (
                        Prom(
                            "sum by (table) (rate(liq_sink_rows_total[$__rate_interval]))",
                            "{{table}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Delay",
            (
                Graph(
                    "From the deciding second to the alert",
                    "The slowest of 100 alerts of ten minutes, those over an hour left out.",
                    "s",
                    (Prom("job:liq_received_to_alert_seconds:p99_10m", "99 of 100"),),
                    alarm_from=5,
                ),
                Graph(
                    "From an alert to its receiver",
                    "The slowest of 100 messages of ten minutes, the grace of folding included.",
                    "s",
                    (
                        Prom(
                            "histogram_quantile(0.99, sum by (receiver, le) "
                            "(rate(liq_notify_delivery_seconds_bucket[10m])))",
                            "{{receiver}}",
                        ),
                    ),
                ),
                Graph(
                    "Checkpoints of detection",
                    "The slowest of 100: until it ends its records are read again after a crash.",
                    "s",
                    (Prom("job:liq_checkpoint_seconds:p99_10m", "99 of 100"),),
                ),
                Graph(
                    "Inserts",
                    "The slowest of 100 inserts into ClickHouse.",
                    "s",
                    (Prom("job:liq_sink_insert_seconds:p99_10m", "99 of 100"),),
                ),
            ),
        ),
        Row(
            "Trouble",
            (
                Graph(
                    "Errors survived",
                    "By kind, in ten minutes. The log has a line for each.",
                    "short",
                    (
                        Prom(
                            "sum by (job, kind) (increase(liq_errors_total[10m])) > 0",
                            "{{job}} {{kind}}",
                        ),
                    ),
                ),
                Graph(
                    "Not ready",
                    "Conditions of readiness that fail: GET /readyz says why in a sentence.",
                    "short",
                    (
                        Prom(
                            "count by (job, condition) (liq_ready == 0)",
                            "{{job}} {{condition}}",
                        ),
                    ),
                ),
                Graph(
                    "Messages that wait",
                    "Notifications that wait for a receiver.",
                    "short",
                    (Prom("max by (receiver) (liq_notify_waiting)", "{{receiver}}"),),
                ),
                Graph(
                    "Inserts tried again",
                    "In ten minutes, by reason.",
                    "short",
                    (
                        Prom(
                            "sum by (job, reason) (increase(liq_sink_retries_total[10m]))",
                            "{{job}} {{reason}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
