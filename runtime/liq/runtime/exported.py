"""The metrics that each kind of worker exports: its own, those of its process, and its build.

prometheus_client exports every metric that an imported module defines. A normalizer would then
export a sink's empty histograms, and an alert rule on an absent series would never fire.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from prometheus_client import PROCESS_COLLECTOR, CollectorRegistry, Gauge
from prometheus_client.metrics import MetricWrapperBase

from liq.runtime import metrics as m

Metrics = tuple[MetricWrapperBase, ...]

BUILD_INFO: Final = Gauge(
    "liq_build_info",
    "1, with the release, the kind of worker and the Python that runs it.",
    ["version", "worker", "python"],
    registry=None,
)

#: The metrics of every worker.
_COMMON: Final[Metrics] = (m.ERRORS, m.EVENTS_PER_SECOND, m.ERROR_RATIO, m.READY)
_READING: Final[Metrics] = (m.RECORDS_IN, m.CONSUMER_LAG, m.STALLED)
_STAGE: Final[Metrics] = (
    *_READING,
    m.RECORDS_OUT,
    m.PENDING_BYTES,
    m.GROWING_PAUSE,
    m.CLOCK_CORRECTED,
)
_RECORDED: Final[Metrics] = (m.RECORDS_OUT, m.FRAMES, m.CAPTURE_ERRORS)
_LIVE: Final[Metrics] = (
    m.RECORDS_OUT,
    m.FRAMES,
    m.FEED_CONNECTED,
    m.FEED_CONNECTIONS,
    m.FEED_EVENTS,
    m.FEED_SILENCE,
    m.FEED_STALE,
    m.FEED_STALE_CONNECTIONS,
    m.FEED_HELD,
    m.FEED_UNANSWERED,
    m.FEED_BREAKER,
    m.NODE_LINES,
    m.NODE_BEHIND,
    m.JOINED_TRADES,
    m.JOIN_WAITING,
    m.JOIN_FORGOTTEN,
    m.JOIN_REFUSED,
    m.SENSORS,
    m.SENSOR_EXCHANGES,
    m.PRODUCER_IN_FLIGHT,
    m.RATE_AGE,
)
_LOOP: Final[Metrics] = (
    *_READING,
    m.REJECTED,
    m.SINK_BUFFERED,
    m.SINK_RETRIES,
    m.SINK_PAUSED,
    m.SINK_BREAKER,
)

OF_WORKER: Final[Mapping[str, Metrics]] = {
    "produce": (*_COMMON, *_LIVE),
    "reference": (
        *_COMMON,
        m.RECORDS_IN,
        m.RECORDS_OUT,
        m.REJECTED,
        m.FEED_EVENTS,
        m.RETRIED,
        m.PARKED_WAITING,
        m.LISTINGS,
        m.LISTING_AGE,
        m.LISTED_CONTRACTS,
        m.RATE_AGE,
    ),
    "backfill": (
        *_COMMON,
        m.RECORDS_IN,
        m.RECORDS_OUT,
        m.FRAMES,
        m.FEED_CONNECTED,
        m.FEED_BREAKER,
        m.FEED_EVENTS,
        m.HISTORY_REQUESTS,
        m.HISTORY_ROWS,
        m.HISTORY_OPEN,
        m.POLL_BEHIND,
    ),
    "process-normalize": (
        *_COMMON,
        *_STAGE,
        m.NORMALIZED,
        m.EVENTS,
        m.REJECTED,
        m.FEED_EVENTS,
        m.FEED_UNREAD,
        m.MERGE_HELD_BYTES,
        m.INSTRUMENTS,
        m.INSTRUMENTS_AGE,
        m.PARKED,
        m.RETRY_WAIT,
    ),
    "process-detect": (
        *_COMMON,
        *_STAGE,
        m.REJECTED,
        m.EXCHANGE_TO_ALERT,
        m.RECEIVED_TO_ALERT,
        m.ALERTS,
        m.OLD_ALERTS,
        m.LEFT_OUT,
        m.CASCADE_RISK,
        m.BRANCHING_RATIO,
        m.MARKET_HELD,
        m.DECIDED_AGE,
        m.PARTITION_BEHIND,
        m.DETECTION_WAITING,
        m.CHECKPOINT,
        m.CHECKPOINT_AGE,
        m.STATE_REBUILT,
    ),
    "sink-clickhouse": (
        *_COMMON,
        *_LOOP,
        m.SINK_ROWS,
        m.SINK_SKIPPED,
        m.SINK_INSERT,
        m.HISTORY_DIFFERS,
        m.HISTORY_LACKS,
        m.COMPLETED,
    ),
    "sink-redis": (*_COMMON, *_LOOP, m.SINK_ROWS, m.SINK_SKIPPED, m.SINK_INSERT),
    "notify": (
        *_COMMON,
        *_LOOP,
        m.NOTIFY_SELECTED,
        m.NOTIFY_LEFT_OUT,
        m.NOTIFY_ATTEMPTS,
        m.NOTIFY_MESSAGES,
        m.NOTIFY_FOLDED,
        m.NOTIFY_WAITING,
        m.NOTIFY_DELIVERY,
        m.NOTIFY_FAILING,
        m.NOTIFY_DISABLED,
    ),
    "serve": _COMMON,
    "replay": (*_COMMON, *_RECORDED),
    "rehearse": (*_COMMON, *_LIVE, m.CAPTURE_ERRORS),
}

#: Every metric once.
ALL_METRICS: Final[Metrics] = (
    *dict.fromkeys(metric for exported in OF_WORKER.values() for metric in exported),
    BUILD_INFO,
)


def worker_registry(worker: str) -> CollectorRegistry:
    """Return the registry of a kind of worker: its metrics, its process's, and its build."""
    registry = CollectorRegistry()
    for metric in OF_WORKER[worker]:
        registry.register(metric)
    BUILD_INFO.clear()
    BUILD_INFO.labels(version("liquidation-engine"), worker, platform.python_version()).set(1)
    registry.register(BUILD_INFO)
    registry.register(PROCESS_COLLECTOR)
    return registry
