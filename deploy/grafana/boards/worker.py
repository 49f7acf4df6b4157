"""How is one process? Its resources, its work, and why it is not ready."""

from typing import Final

from deploy.grafana.boards.parts import Board, Choice, Graph, Number, Prom, Row

OF = '{job="$job",instance=~"$instance"}'
BOARD: Final = Board(
    "worker",
    "Liquidations: one worker",
    "Processor, memory, lag and readiness of the workers of a kind.",
    choices=(
        Choice("job", "label_values(liq_build_info, job)", is_single=True),
        Choice("instance", 'label_values(liq_build_info{job="$job"}, instance)'),
    ),
    rows=(
        Row(
            "Process",
            (
                Number(
                    "Release",
                    "What runs: release and Python of each worker.",
                    "short",
                    (
                        Prom(
                            f"liq_build_info{OF}",
                            "{{instance}}: {{worker}} {{version}}, Python {{python}}",
                        ),
                    ),
                    height=5,
                ),
                Number(
                    "Up since",
                    "Time since the process started.",
                    "s",
                    (Prom(f"time() - process_start_time_seconds{OF}", "{{instance}}"),),
                    height=5,
                ),
                Graph(
                    "Processor",
                    "Cores used. A worker uses one at most.",
                    "percentunit",
                    (
                        Prom(
                            f"rate(process_cpu_seconds_total{OF}[$__rate_interval])",
                            "{{instance}}",
                        ),
                    ),
                    alarm_from=0.9,
                ),
                Graph(
                    "Memory",
                    "Resident memory.",
                    "bytes",
                    (Prom(f"process_resident_memory_bytes{OF}", "{{instance}}"),),
                ),
                Graph(
                    "Files and connections",
                    "Open handles.",
                    "short",
                    (Prom(f"process_open_fds{OF}", "{{instance}}"),),
                ),
                Graph(
                    "Ready",
                    "Conditions of readiness: 1 holds, 0 does not. GET /readyz has the reasons.",
                    "short",
                    (Prom(f"liq_ready{OF}", "{{instance}} {{condition}}"),),
                ),
            ),
        ),
        Row(
            "Work",
            (
                Graph(
                    "Records handled",
                    "Records a second, over ten seconds.",
                    "ops",
                    (Prom(f"liq_events_per_second{OF}", "{{instance}}"),),
                ),
                Graph(
                    "Records in and out",
                    "Read from Kafka, and acknowledged by it.",
                    "ops",
                    (
                        Prom(
                            f"sum by (instance) (rate(liq_records_in_total{OF}[$__rate_interval]))",
                            "{{instance}} in",
                        ),
                        Prom(
                            "sum by (instance) "
                            f"(rate(liq_records_out_total{OF}[$__rate_interval]))",
                            "{{instance}} out",
                        ),
                    ),
                ),
                Graph(
                    "Lag by partition",
                    "Records not yet handled, the twenty largest.",
                    "short",
                    (
                        Prom(
                            f"topk(20, liq_consumer_lag_records{OF} > 0)",
                            "{{instance}} {{topic}}/{{partition}}",
                        ),
                    ),
                ),
                Graph(
                    "Stands still",
                    "Time with lag in which nothing was handled; from 60 s on it is not ready.",
                    "s",
                    (Prom(f"liq_stalled_seconds{OF}", "{{instance}}"),),
                    alarm_from=60,
                ),
                Graph(
                    "Bytes held",
                    "Not yet acknowledged by Kafka, and held back for the order of receipt.",
                    "bytes",
                    (
                        Prom(f"liq_output_pending_bytes{OF}", "{{instance}} pending"),
                        Prom(f"liq_merge_held_bytes{OF}", "{{instance}} merge"),
                    ),
                ),
                Graph(
                    "Errors",
                    "Errors that the worker survived, in ten minutes.",
                    "short",
                    (
                        Prom(
                            f"sum by (instance, kind) (increase(liq_errors_total{OF}[10m])) > 0",
                            "{{instance}} {{kind}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
