"""The metrics of sinks and of `liq notify`, each with a sentence of help."""

from prometheus_client import Counter, Gauge, Histogram

from liq.runtime.metrics import LATENCY_BUCKETS_SECONDS

SINK_ROWS = Counter(
    "liq_sink_rows_total", "Rows or records that the destination acknowledged.", ["table"]
)
SINK_SKIPPED = Counter(
    "liq_sink_skipped_total",
    "Redelivered records that were already stored; in Redis also those of hours that are over.",
    ["table"],
)
HISTORY_DIFFERS = Counter(
    "liq_history_differs_total",
    "Events of a history with another side, price or size than the live feed had under their id.",
    ["exchange"],
)
COMPLETED = Counter(
    "liq_completed_events_total",
    "Events that a completing history told: live (the live feed had them) or missed.",
    ["exchange", "seen"],
)
SINK_BUFFERED = Gauge("liq_sink_buffered_rows", "Rows in memory, not yet acknowledged.")
SINK_RETRIES = Counter("liq_sink_retries_total", "Inserts that were tried again.", ["reason"])
SINK_PAUSED = Gauge("liq_sink_paused", "1 while the sink waits for its destination.")
SINK_BREAKER = Gauge(
    "liq_sink_circuit_breaker",
    "1 for the present state of the breaker to the destination: closed (works), open (waits after "
    "a failure) or half_open (tries again).",
    ["state"],
)
SINK_INSERT = Histogram(
    "liq_sink_insert_seconds",
    "Time of one insert, or of one call of Redis.",
    buckets=LATENCY_BUCKETS_SECONDS,
)
NOTIFY_SELECTED = Counter(
    "liq_notify_selected_total", "Notices that a rule has selected for its receivers.", ["rule"]
)
NOTIFY_LEFT_OUT = Counter(
    "liq_notify_left_out_total",
    "Notices that a rule would have selected, were it not for cool_down or quiet_hours.",
    ["rule", "reason"],
)
NOTIFY_ATTEMPTS = Counter(
    "liq_notify_attempts_total",
    "Attempts at a receiver, by result: a status of HTTP, handed_over, or why there was none.",
    ["receiver", "result"],
)
NOTIFY_MESSAGES = Counter(
    "liq_notify_messages_total",
    "Messages that were settled: sent, or given_up and kept on the topic of the undelivered.",
    ["receiver", "outcome"],
)
NOTIFY_FOLDED = Counter(
    "liq_notify_folded_total",
    "Alerts for which the message of a market cascade stood.",
    ["receiver"],
)
NOTIFY_WAITING = Gauge("liq_notify_waiting", "Messages that wait for a receiver.", ["receiver"])
NOTIFY_DELIVERY = Histogram(
    "liq_notify_delivery_seconds",
    "From a record on its topic to the receiver's acceptance, the grace of folding included.",
    ["receiver"],
    buckets=LATENCY_BUCKETS_SECONDS,
)
NOTIFY_FAILING = Gauge(
    "liq_notify_failing", "1 while a receiver does not take messages.", ["receiver"]
)
NOTIFY_DISABLED = Gauge(
    "liq_notify_disabled", "1 while a receiver is disabled for refusing too long.", ["receiver"]
)
