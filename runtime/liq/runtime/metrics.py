"""Every metric of every worker, each with a sentence of help.

`liq.runtime.exported` lists the metrics that each kind of worker exports.
"""

from prometheus_client import Counter, Gauge, Histogram

from liq.runtime.metering import BoundedLabel, RateMeter

LATENCY_BUCKETS_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

RECORDS_IN = Counter("liq_records_in_total", "Records read from Kafka.", ["topic"])
RECORDS_OUT = Counter("liq_records_out_total", "Records that Kafka acknowledged to us.", ["topic"])
FRAMES = Counter(
    "liq_frames_total", "Frames received from an exchange or a capture.", ["exchange", "feed"]
)
NORMALIZED = Counter(
    "liq_frames_normalized_total", "Frames that were normalized, whatever they gave.", ["exchange"]
)
CAPTURE_ERRORS = Counter("liq_capture_errors_total", "Lines of a capture that were broken.")
EVENTS = Counter("liq_events_total", "Normalized liquidations.", ["exchange", "side"])
REJECTED = Counter(
    "liq_rejected_total", "Frames or entries that gave no event.", ["exchange", "reason"]
)
ERRORS = Counter("liq_errors_total", "Failures that a worker met and survived.", ["kind"])
EVENTS_PER_SECOND = Gauge(
    "liq_events_per_second", "Records handled a second, over the last ten seconds."
)
ERROR_RATIO = Gauge(
    "liq_error_ratio", "Rejected records and errors as a share of records read, since the start."
)
EXCHANGE_TO_ALERT = Histogram(
    "liq_exchange_to_alert_seconds",
    "From the exchange's time of the deciding liquidation to the alert's acknowledgement.",
    buckets=LATENCY_BUCKETS_SECONDS,
)
RECEIVED_TO_ALERT = Histogram(
    "liq_received_to_alert_seconds",
    "From the end of the second in which the deciding frame was received to the same.",
    buckets=LATENCY_BUCKETS_SECONDS,
)
ALERTS = Counter("liq_alerts_total", "Cascade alerts published.", ["type"])
OLD_ALERTS = Counter(
    "liq_old_alerts_total",
    "Published alerts whose second is over an hour old, as a replay's are: no delay is measured.",
)
LEFT_OUT = Counter(
    "liq_detector_left_out_total",
    "Events that the detector left out (duplicate, late, implausible, history: late by nature, and "
    "misplaced: written by a worker that missed that events have grown) or moved back (future).",
    ["reason"],
)
GROWING_PAUSE = Gauge(
    "liq_growing_pause", "1 while this worker writes no events because their topic grows."
)
CASCADE_RISK = Gauge(
    "liq_cascade_risk_score", "Risk score of each open cascade, 0 to 100.", ["asset", "side"]
)
BRANCHING_RATIO = Gauge(
    "liq_branching_ratio",
    "Liquidations that one triggers, from complete feeds only; near 1 is critical.",
    ["asset", "side"],
)
MARKET_HELD = Gauge(
    "liq_market_held",
    "Beats and alerts held until every events partition has passed their second (0.6 kB each up to "
    "20,000, some 50 bytes beyond). "
    "Of the worker that detects on the market.",
)
DECIDED_AGE = Gauge(
    "liq_detection_decided_age_seconds",
    "Age of the time until which detection has decided (scope: assets, market); of a log that is "
    "replayed, its age. Of the worker that detects on the market.",
    ["scope"],
)
PARTITION_BEHIND = Gauge(
    "liq_detection_partition_behind_seconds",
    "How far the clock of an events partition is behind the furthest one; detection of the market "
    "is as far as the slowest. Of the worker that detects on the market.",
    ["partition"],
)
DETECTION_WAITING = Gauge(
    "liq_detection_waiting",
    "1 while detection of the market waits for an events partition that says nothing while others "
    "go on.",
    ["partition"],
)
CONSUMER_LAG = Gauge("liq_consumer_lag_records", "Records not yet handled.", ["topic", "partition"])
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
HISTORY_LACKS = Counter(
    "liq_history_lacks_total",
    "Live events that a history lacks between two events of one of its answers.",
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
FEED_CONNECTED = Gauge(
    "liq_feed_connections",
    "Subscribed connections of a feed; 0 is an outage.",
    ["exchange", "feed"],
)
FEED_CONNECTIONS = Counter(
    "liq_feed_connection_attempts_total",
    "How connections began (subscribed) and ended (lost, refused).",
    ["exchange", "feed", "result"],
)
FEED_EVENTS = Counter(
    "liq_feed_events_total", "Records on the feeds topic.", ["exchange", "feed", "event"]
)
FEED_SILENCE = Gauge(
    "liq_feed_silence_seconds",
    "Time without data while connected; compare it with what is usual for the feed.",
    ["exchange", "feed"],
)
FEED_STALE = Gauge(
    "liq_feed_stale",
    "1 while a connected feed is silent far beyond its norm and another exchange is not.",
    ["exchange", "feed"],
)
FEED_STALE_CONNECTIONS = Gauge(
    "liq_feed_stale_connections",
    "Connections that are silent far beyond their share of the feed while others of it talk.",
    ["exchange", "feed"],
)
FEED_UNREAD = Gauge(
    "liq_feed_unread",
    "1 while every frame of a feed is rejected, for ten minutes and more.",
    ["exchange", "feed"],
)
CLOCK_CORRECTED = Counter(
    "liq_clock_corrected_total",
    "Records whose own time is not believed: the broker's append time counts instead.",
    ["topic"],
)
FEED_HELD = Counter(
    "liq_feed_limit_waits_total",
    "Times at which a limit of the venue held back subscriptions (messages) or a connection.",
    ["exchange", "limit"],
)
FEED_UNANSWERED = Gauge(
    "liq_feed_unanswered_requests",
    "Subscriptions without an answer yet, where the venue limits them.",
    ["exchange"],
)
NODE_LINES = Counter(
    "liq_node_lines_total",
    "Lines of a node's files: read, with_liquidations, and repeated ones that were left out.",
    ["kind"],
)
NODE_BEHIND = Gauge(
    "liq_node_behind_seconds", "Age of the newest block that was read in a node's files."
)
JOINED_TRADES = Counter(
    "liq_joined_trades_total",
    "Public trades that a followed account's fill proved to be of a liquidation.",
)
JOIN_WAITING = Gauge(
    "liq_join_waiting_trades", "Public trades of the last ten seconds that wait for a proof."
)
JOIN_FORGOTTEN = Counter(
    "liq_join_forgotten_total", "Trades and proofs forgotten before ten seconds, at the bound."
)
JOIN_REFUSED = Counter(
    "liq_join_refused_total",
    "Public trades and fills that the join or the selection of sensors refuses: implausible, "
    "or too long.",
)
SENSORS = Gauge("liq_sensors", "Accounts that the producer follows by its own selection.")
SENSOR_EXCHANGES = Counter(
    "liq_sensor_exchanges_total", "Changes of the accounts that the producer selects."
)
FEED_BREAKER = Gauge(
    "liq_feed_circuit_breaker",
    "1 for the present state of the breaker to an exchange: closed, open or half_open.",
    ["exchange", "state"],
)
PRODUCER_IN_FLIGHT = Gauge(
    "liq_producer_in_flight_records", "Records sent to Kafka and not yet acknowledged."
)
PENDING_BYTES = Gauge(
    "liq_output_pending_bytes",
    "Bytes sent by a stage and not yet acknowledged; above 8 MiB it waits.",
)
MERGE_HELD_BYTES = Gauge(
    "liq_merge_held_bytes",
    "Bytes of fetched records that the normalizer holds back for the order of receipt.",
)
CHECKPOINT = Histogram(
    "liq_checkpoint_seconds",
    "From the snapshot of a detecting stage to its last acknowledgement.",
    buckets=LATENCY_BUCKETS_SECONDS,
)
CHECKPOINT_AGE = Gauge(
    "liq_checkpoint_age_seconds",
    "Age of the oldest batch that a detecting stage has applied and not yet written to its state "
    "topic; 0 without one.",
    ["topic"],
)
STATE_REBUILT = Counter(
    "liq_state_rebuilt_records_total",
    "Records of the log that were read again because a detecting stage's state was lost.",
    ["topic"],
)
INSTRUMENTS = Gauge("liq_instruments", "Contracts whose metadata a normalizer knows.")
INSTRUMENTS_AGE = Gauge(
    "liq_instruments_age_days", "Days since the newest contract metadata was true."
)
PARKED = Counter(
    "liq_parked_total", "Frames that were parked until a contract is listed.", ["exchange"]
)
RETRY_WAIT = Histogram(
    "liq_retry_wait_seconds",
    "Time that a retried frame waited for contract metadata; 5 at most.",
    buckets=LATENCY_BUCKETS_SECONDS,
)
RETRIED = Counter(
    "liq_retried_total",
    "Parked frames that were published again: listed, or unlisted where no list has the contract.",
    ["exchange", "result"],
)
PARKED_WAITING = Gauge("liq_parked_waiting", "Parked frames in memory that wait for a listing.")
LISTINGS = Counter(
    "liq_contract_listings_total",
    "Listings of a venue's contracts: accepted, refused (not believed) or failed (no answer).",
    ["exchange", "result"],
)
LISTING_AGE = Gauge(
    "liq_contract_listing_age_seconds",
    "Age of the newest accepted listing of a venue's contracts; that of the shipped snapshot "
    "before the first.",
    ["exchange"],
)
LISTED_CONTRACTS = Gauge(
    "liq_listed_contracts", "Contracts in the newest accepted listing of a venue.", ["exchange"]
)
HISTORY_REQUESTS = Counter(
    "liq_history_requests_total",
    "Requests to venues' histories: answered, limited (429), failed (tried again) or refused.",
    ["exchange", "result"],
)
HISTORY_ROWS = Counter(
    "liq_history_rows_total", "Liquidations within gaps that histories have told.", ["exchange"]
)
POLL_BEHIND = Gauge(
    "liq_poll_behind_seconds",
    "Time that the next poll of a history has to ask for.",
    ["exchange", "feed"],
)
HISTORY_OPEN = Gauge("liq_history_open_gaps", "Gaps whose repair has not ended.", ["exchange"])
RATE_AGE = Gauge(
    "liq_rate_age_seconds", "Age of the newest rate of a currency in dollars.", ["currency"]
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
STALLED = Gauge(
    "liq_stalled_seconds",
    "Time for which the worker has had lag and has handled nothing; from 60 on it is not ready.",
)
READY = Gauge("liq_ready", "1 while a condition of readiness holds.", ["condition"])

# Exchanges list some 700 assets together.
ASSET_LABEL = BoundedLabel(limit=2_000)


HANDLED = RateMeter()


def _total(counter: Counter) -> float:
    return sum(
        sample.value
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )


def error_ratio() -> float:
    """Return rejections and errors as a share of records read; 0 before the first record."""
    records = _total(RECORDS_IN)
    return (_total(REJECTED) + _total(ERRORS)) / records if records else 0.0


EVENTS_PER_SECOND.set_function(HANDLED.rate)
ERROR_RATIO.set_function(error_ratio)
