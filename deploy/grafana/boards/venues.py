"""Is every venue connected, does it speak, and is it understood?"""

from typing import Final

from deploy.grafana.boards.parts import Board, Choice, Graph, Number, Prom, Row

OF = '{exchange=~"$exchange"}'
BOARD: Final = Board(
    "venues",
    "Liquidations: venues",
    "Connections, silence, gaps and rejected frames of each exchange and feed.",
    choices=(Choice("exchange", "label_values(liq_feed_connections, exchange)"),),
    rows=(
        Row(
            "Connected",
            (
                Number(
                    "Connections",
                    "Subscribed connections of each feed; none is an outage.",
                    "short",
                    (
                        Prom(
                            f"sum by (exchange, feed) (liq_feed_connections{OF})",
                            "{{exchange}} {{feed}}",
                        ),
                    ),
                    span=24,
                    height=6,
                ),
                Graph(
                    "Silence",
                    "Time without data while connected. What is usual differs by feed.",
                    "s",
                    (
                        Prom(
                            f"max by (exchange, feed) (liq_feed_silence_seconds{OF})",
                            "{{exchange}} {{feed}}",
                        ),
                    ),
                ),
                Graph(
                    "Silent beyond the norm",
                    "Feeds that are stale as a whole, and connections of a feed that are.",
                    "short",
                    (
                        Prom(
                            f"max by (exchange, feed) (liq_feed_stale{OF}) > 0",
                            "{{exchange}} {{feed}} as a whole",
                        ),
                        Prom(
                            f"sum by (exchange, feed) (liq_feed_stale_connections{OF}) > 0",
                            "{{exchange}} {{feed}} connections",
                        ),
                    ),
                ),
                Graph(
                    "Connections lost and refused",
                    "In ten minutes.",
                    "short",
                    (
                        Prom(
                            "sum by (exchange, feed, result) (increase("
                            "liq_feed_connection_attempts_total"
                            '{exchange=~"$exchange",result!="subscribed"}[10m])) > 0',
                            "{{exchange}} {{feed}} {{result}}",
                        ),
                    ),
                ),
                Graph(
                    "What happened to feeds",
                    "Records on liquidations.feeds in ten minutes: gaps, outages, refusals.",
                    "short",
                    (
                        Prom(
                            "sum by (exchange, event) "
                            f"(increase(liq_feed_events_total{OF}[10m])) > 0",
                            "{{exchange}} {{event}}",
                        ),
                    ),
                ),
                Graph(
                    "Circuit breakers that are not closed",
                    "A producer has given up on an exchange for now, and tries again by itself.",
                    "short",
                    (
                        Prom(
                            "max by (exchange, state) (liq_feed_circuit_breaker"
                            '{exchange=~"$exchange",state!="closed"}) > 0',
                            "{{exchange}} {{state}}",
                        ),
                    ),
                ),
                Graph(
                    "Held back by limits",
                    "Subscriptions and connections that a venue's limit delayed, in ten minutes.",
                    "short",
                    (
                        Prom(
                            "sum by (exchange, limit) "
                            f"(increase(liq_feed_limit_waits_total{OF}[10m])) > 0",
                            "{{exchange}} {{limit}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Understood",
            (
                Graph(
                    "Frames rejected",
                    "Share of the frames of ten minutes. The table `rejected` has the reasons.",
                    "percentunit",
                    (
                        Prom(
                            f"exchange:liq_rejected:ratio10m{OF}",
                            "{{exchange}}",
                        ),
                    ),
                    alarm_from=0.01,
                ),
                Graph(
                    "Reasons of rejection",
                    "Frames or entries a second, by reason.",
                    "ops",
                    (
                        Prom(
                            "sum by (exchange, reason) "
                            f"(rate(liq_rejected_total{OF}[$__rate_interval])) > 0",
                            "{{exchange}} {{reason}}",
                        ),
                    ),
                ),
                Graph(
                    "Age of the contract lists",
                    "Age of the newest accepted listing of each venue's contracts.",
                    "s",
                    (
                        Prom(
                            f"max by (exchange) (liq_contract_listing_age_seconds{OF})",
                            "{{exchange}}",
                        ),
                    ),
                    alarm_from=21_600,
                ),
                Graph(
                    "Frames that wait for a contract",
                    "Parked frames in memory, of all venues.",
                    "short",
                    (Prom("sum(liq_parked_waiting)", "waiting"),),
                ),
                Graph(
                    "Gaps under repair",
                    "Gaps whose repair by `liq backfill` has not ended.",
                    "short",
                    (Prom(f"sum by (exchange) (liq_history_open_gaps{OF}) > 0", "{{exchange}}"),),
                ),
                Graph(
                    "Polls behind",
                    "Time that the last poll of a venue's history had to request.",
                    "s",
                    (
                        Prom(
                            f"max by (exchange, feed) (liq_poll_behind_seconds{OF})",
                            "{{exchange}} {{feed}}",
                        ),
                    ),
                ),
                Graph(
                    "Histories that contradict the live feed",
                    "Events that a history or import has otherwise, or lacks, in ten minutes.",
                    "short",
                    (
                        Prom(
                            f"sum by (exchange) (increase(liq_history_differs_total{OF}[10m])) > 0",
                            "{{exchange}} otherwise",
                        ),
                        Prom(
                            f"sum by (exchange) (increase(liq_history_lacks_total{OF}[10m])) > 0",
                            "{{exchange}} lacks",
                        ),
                    ),
                ),
                Graph(
                    "Age of dollar rates",
                    "Contracts that settle in a currency are valued with its newest rate.",
                    "s",
                    (Prom("max by (currency) (liq_rate_age_seconds)", "{{currency}}"),),
                    alarm_from=900,
                ),
                Graph(
                    "Clocks that are not believed",
                    "Records whose time the broker's append time replaces, in ten minutes.",
                    "short",
                    (
                        Prom(
                            "sum by (topic) (increase(liq_clock_corrected_total[10m])) > 0",
                            "{{topic}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
