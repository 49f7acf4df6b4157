"""Every metric of every worker, with a sentence each. docs/metrics.md is made from this list."""

import time
from collections import deque

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
RATE_WINDOW_SECONDS = 10.0
MAX_LABEL_CHARACTERS = 64

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
LEFT_OUT = Counter(
    "liq_detector_left_out_total",
    "Events that the detector left out (duplicate, late, implausible, and history: late by nature) "
    "or moved back (future).",
    ["reason"],
)
CASCADE_RISK = Gauge(
    "liq_cascade_risk_score", "Risk score of each open cascade, 0 to 100.", ["asset", "side"]
)
BRANCHING_RATIO = Gauge(
    "liq_branching_ratio",
    "Liquidations that one triggers, from complete feeds only; near 1 is critical.",
    ["asset", "side"],
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
SINK_ROWS = Counter("liq_sink_rows_total", "Rows that ClickHouse acknowledged.", ["table"])
SINK_SKIPPED = Counter(
    "liq_sink_skipped_total", "Redelivered records that were already stored.", ["table"]
)
SINK_BUFFERED = Gauge("liq_sink_buffered_rows", "Rows in memory, not yet acknowledged.")
SINK_RETRIES = Counter("liq_sink_retries_total", "Inserts that were tried again.", ["reason"])
SINK_PAUSED = Gauge("liq_sink_paused", "1 while the sink waits for ClickHouse.")
SINK_BREAKER = Gauge(
    "liq_sink_circuit_breaker",
    "1 for the present state of the breaker to ClickHouse: closed (works), open (waits after a "
    "failure) or half_open (tries again).",
    ["state"],
)
SINK_INSERT = Histogram(
    "liq_sink_insert_seconds", "Time of one insert.", buckets=LATENCY_BUCKETS_SECONDS
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
    "Bytes sent by a stage and not yet acknowledged; above 16 MiB it waits.",
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
RATE_AGE = Gauge(
    "liq_rate_age_seconds", "Age of the newest rate of a currency in dollars.", ["currency"]
)
STALLED = Gauge(
    "liq_stalled_seconds",
    "Time for which the worker has had lag and has handled nothing; from 60 on it is not ready.",
)
READY = Gauge("liq_ready", "1 while a condition of readiness holds.", ["condition"])

ALL_METRICS = (
    RECORDS_IN,
    RECORDS_OUT,
    FRAMES,
    NORMALIZED,
    CAPTURE_ERRORS,
    EVENTS,
    REJECTED,
    ERRORS,
    EVENTS_PER_SECOND,
    ERROR_RATIO,
    EXCHANGE_TO_ALERT,
    RECEIVED_TO_ALERT,
    ALERTS,
    LEFT_OUT,
    CASCADE_RISK,
    BRANCHING_RATIO,
    DECIDED_AGE,
    PARTITION_BEHIND,
    DETECTION_WAITING,
    CONSUMER_LAG,
    SINK_ROWS,
    SINK_SKIPPED,
    SINK_BUFFERED,
    SINK_RETRIES,
    SINK_PAUSED,
    SINK_BREAKER,
    SINK_INSERT,
    FEED_CONNECTED,
    FEED_CONNECTIONS,
    FEED_EVENTS,
    FEED_SILENCE,
    FEED_STALE,
    FEED_STALE_CONNECTIONS,
    FEED_UNREAD,
    CLOCK_CORRECTED,
    FEED_HELD,
    FEED_UNANSWERED,
    FEED_BREAKER,
    PRODUCER_IN_FLIGHT,
    PENDING_BYTES,
    MERGE_HELD_BYTES,
    CHECKPOINT,
    STATE_REBUILT,
    INSTRUMENTS,
    INSTRUMENTS_AGE,
    PARKED,
    RETRY_WAIT,
    RETRIED,
    PARKED_WAITING,
    LISTINGS,
    LISTING_AGE,
    LISTED_CONTRACTS,
    RATE_AGE,
    STALLED,
    READY,
)


class BoundedLabel:
    """Label values that outsiders make up, such as assets: at most `limit`, then all others as one.

    Every new value is a time series for as long as the process and its Prometheus live.
    """

    def __init__(self, limit: int, others: str = "other") -> None:
        self._limit = limit
        self._others = others
        self._known: set[str] = set()

    def value(self, wanted: str) -> str:
        """The label to use for a value: itself, if it was among the first."""
        if wanted in self._known:
            return wanted
        if len(self._known) >= self._limit or len(wanted) > MAX_LABEL_CHARACTERS:
            return self._others
        self._known.add(wanted)
        return wanted


# Exchanges list some 700 assets together.
ASSET_LABEL = BoundedLabel(limit=2_000)


class RateMeter:
    """Counts per second over a sliding window, for the gauge `liq_events_per_second`.

    `count` is what was counted since the start.
    """

    def __init__(self, window_seconds: float = RATE_WINDOW_SECONDS) -> None:
        self._window_seconds = window_seconds
        self._counts: deque[tuple[float, int]] = deque()
        self._total = 0
        self.count = 0

    def add(self, count: int) -> None:
        """Count records that were handled just now."""
        self.count += count
        self._counts.append((time.monotonic(), count))
        self._total += count
        self._drop_old()

    def rate(self) -> float:
        """Records a second over the window."""
        self._drop_old()
        return self._total / self._window_seconds

    def _drop_old(self) -> None:
        horizon = time.monotonic() - self._window_seconds
        while self._counts and self._counts[0][0] < horizon:
            self._total -= self._counts.popleft()[1]


HANDLED = RateMeter()


def _total(counter: Counter) -> float:
    return sum(
        sample.value
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )


def error_ratio() -> float:
    """Rejections and errors as a share of records read; 0 before the first record."""
    records = _total(RECORDS_IN)
    return (_total(REJECTED) + _total(ERRORS)) / records if records else 0.0


EVENTS_PER_SECOND.set_function(HANDLED.rate)
ERROR_RATIO.set_function(error_ratio)
