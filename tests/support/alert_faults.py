"""A fault for each alert rule: series that are healthy at first, fail after ten minutes, recover.

Samples are half a minute apart: `1x19` covers the first ten minutes.
"""

from collections.abc import Mapping
from typing import Final

from tests.support.alert_rules import Fault

WELL_THEN_ZERO: Final = "1x19 0x19 1x80"
ZERO_THEN_ONE: Final = "0x19 1x19 0x80"
FAST_THEN_SLOW: Final = ("0+1x19 19x100", "0+1x60 60x60")


def _slow(name: str, fast: str) -> Mapping[str, str]:
    """Return a histogram whose observations move from the fast bucket to that of 30 seconds."""
    few, all_of_them = FAST_THEN_SLOW
    return {
        name.format(le=fast): few,
        name.format(le="30.0"): all_of_them,
        name.format(le="+Inf"): all_of_them,
    }


def _absent(alert: str, job: str, raised_minutes: int) -> Fault:
    series = {f'up{{job="{job}",instance="{job}:8080"}}': WELL_THEN_ZERO}
    without = ('up{job="sink",instance="sink2:8080"}',) if job == "sink" else ()
    return Fault(alert, series, {}, raised_minutes, 21, without=without)


FAULTS: Final = (
    Fault(
        "LiqWorkerDown",
        {'up{job="detect",instance="detect2:8080"}': WELL_THEN_ZERO},
        {"job": "detect", "instance": "detect2:8080"},
        12,
        21,
    ),
    _absent("LiqNoProducer", "produce", 12),
    _absent("LiqNoNormalizer", "normalize", 12),
    _absent("LiqNoDetector", "detect", 12),
    _absent("LiqNoSink", "sink", 13),
    Fault(
        "LiqWorkerNotReady",
        {'liq_ready{job="sink",instance="sink:8080",condition="clickhouse"}': WELL_THEN_ZERO},
        {"job": "sink", "instance": "sink:8080", "condition": "clickhouse"},
        14,
        21,
    ),
    Fault(
        "LiqWorkerStalled",
        {'liq_stalled_seconds{job="detect",instance="detect:8080"}': "0x19 60+30x19 0x80"},
        {"job": "detect", "instance": "detect:8080"},
        12,
        21,
        "3m 0s",
    ),
    Fault(
        "LiqWorkerRestarts",
        {
            'process_start_time_seconds{job="detect",instance="detect:8080"}': (
                "1000x19 2000 3000 4000 5000x90"
            )
        },
        {"job": "detect", "instance": "detect:8080"},
        13,
        30,
        "4",
    ),
    Fault(
        "LiqLagGrows",
        {
            'liq_consumer_lag_records{job="normalize",topic="raw.okx",partition="1"}': (
                "0x19 20000+500x60 0x80"
            )
        },
        {"job": "normalize", "topic": "raw.okx"},
        25,
        42,
        "35k",
    ),
    Fault(
        "LiqOutputWaits",
        {
            'liq_output_pending_bytes{job="normalize",instance="normalize:8080"}': (
                "20000x19 16777216x19 20000x80"
            )
        },
        {"job": "normalize", "instance": "normalize:8080"},
        13,
        21,
        "16Mi",
    ),
    Fault(
        "LiqErrors",
        {'liq_errors_total{job="normalize",kind="merge_missing"}': "0x19 0+1x40 40x80"},
        {"job": "normalize", "kind": "merge_missing"},
        20,
        42,
        "20",
    ),
    Fault(
        "LiqDetectionBehind",
        {'liq_detection_decided_age_seconds{job="detect",scope="assets"}': "1x19 1+30x19 1x80"},
        {"scope": "assets"},
        12,
        21,
        "2m 1s",
    ),
    Fault(
        "LiqDetectionUnknown",
        {
            'liq_detection_decided_age_seconds{job="detect",scope="market"}': (
                "1x19 stale _x18 1x80"
            )
        },
        {"scope": "market"},
        13,
        21,
    ),
    Fault(
        "LiqDetectionWaits",
        {'liq_detection_waiting{job="detect",partition="3"}': ZERO_THEN_ONE},
        {"partition": "3"},
        12,
        21,
    ),
    Fault(
        "LiqAlertsLate",
        _slow('liq_received_to_alert_seconds_bucket{{job="detect",le="{le}"}}', "0.25"),
        {"job": "detect"},
        22,
        42,
        "29.7s",
    ),
    Fault(
        "LiqCheckpointsSlow",
        _slow('liq_checkpoint_seconds_bucket{{job="detect",le="{le}"}}', "0.05"),
        {"job": "detect"},
        22,
        42,
        "29.7s",
    ),
    Fault(
        "LiqCheckpointOld",
        {
            'liq_checkpoint_age_seconds{job="detect",topic="liquidations.market-state"}': (
                "0x19 0+30x19 0x80"
            )
        },
        {"topic": "liquidations.market-state"},
        13,
        21,
        "3m 0s",
    ),
    Fault(
        "LiqStateRebuilt",
        {'liq_state_rebuilt_records_total{job="detect",topic="pulse"}': "_x19 500x100"},
        {"topic": "pulse"},
        11,
        22,
    ),
    Fault(
        "LiqClockNotBelieved",
        {'liq_clock_corrected_total{job="normalize",topic="raw.bybit"}': "_x19 3x100"},
        {"topic": "raw.bybit"},
        11,
        22,
        "3",
    ),
    Fault(
        "LiqFeedDown",
        {'liq_feed_connections{job="produce",exchange="bybit",feed="linear"}': WELL_THEN_ZERO},
        {"exchange": "bybit", "feed": "linear"},
        12,
        21,
    ),
    Fault(
        "LiqFeedStale",
        {'liq_feed_stale{job="produce",exchange="bybit",feed="linear"}': ZERO_THEN_ONE},
        {"exchange": "bybit", "feed": "linear"},
        12,
        21,
    ),
    Fault(
        "LiqFeedPartSilent",
        {
            'liq_feed_stale_connections{job="produce",exchange="bybit",feed="linear"}': (
                "0x19 2x19 0x80"
            )
        },
        {"exchange": "bybit", "feed": "linear"},
        12,
        21,
        "2",
    ),
    Fault(
        "LiqFeedUnread",
        {'liq_feed_unread{job="normalize",exchange="bybit",feed="linear"}': ZERO_THEN_ONE},
        {"exchange": "bybit", "feed": "linear"},
        12,
        21,
    ),
    Fault(
        "LiqRejected",
        {
            'liq_rejected_total{job="normalize",exchange="bybit",reason="missing"}': (
                "0x19 0+9x40 360x80"
            ),
            'liq_frames_normalized_total{job="normalize",exchange="bybit"}': "0+9x120",
        },
        {"exchange": "bybit"},
        25,
        42,
        "100%",
    ),
    Fault(
        "LiqFeedGap",
        {
            'liq_feed_events_total{job="produce",exchange="bybit",feed="linear",event="gap"}': (
                "_x19 1x100"
            )
        },
        {"exchange": "bybit", "feed": "linear"},
        11,
        22,
    ),
    Fault(
        "LiqFeedBreakerOpen",
        {'liq_feed_circuit_breaker{job="produce",exchange="bybit",state="open"}': ZERO_THEN_ONE},
        {"exchange": "bybit"},
        16,
        21,
    ),
    Fault(
        "LiqFeedRefused",
        {
            'liq_feed_connection_attempts_total{job="produce",exchange="bybit",feed="linear",'
            'result="refused"}': "0x19 0+1x19 19x80"
        },
        {"exchange": "bybit", "feed": "linear"},
        15,
        32,
    ),
    Fault(
        "LiqGapsWait",
        {'liq_history_open_gaps{job="backfill",exchange="gate"}': "0x19 3x79 0x20"},
        {"exchange": "gate"},
        41,
        51,
        "3",
    ),
    Fault(
        "LiqPollBehind",
        {
            'liq_poll_behind_seconds{job="backfill",exchange="coinex",feed="liquidations"}': (
                "30x19 400x39 30x60"
            )
        },
        {"exchange": "coinex", "feed": "liquidations"},
        16,
        31,
        "6m 40s",
    ),
    Fault(
        "LiqCompletionBehind",
        {
            'liq_poll_behind_seconds{job="backfill",exchange="okx",feed="public-completion"}': (
                "600x19 2400x39 600x60"
            )
        },
        {"exchange": "okx", "feed": "public-completion"},
        16,
        31,
        "40m 0s",
    ),
    Fault(
        "LiqHistoryDiffers",
        {'liq_history_differs_total{job="sink",exchange="kraken"}': "_x19 2x100"},
        {"exchange": "kraken"},
        11,
        22,
        "2",
    ),
    Fault(
        "LiqContractListOld",
        {
            'liq_contract_listing_age_seconds{job="reference",exchange="okx"}': (
                "1800x19 25200x39 1800x60"
            )
        },
        {"exchange": "okx"},
        21,
        31,
        "7h 0m 0s",
    ),
    # The only `liq reference` ends; the list is a snapshot of nine days ago.
    Fault(
        "LiqContractsOld",
        {
            'liq_instruments_age_days{job="normalize"}': "9x120",
            'liq_contract_listing_age_seconds{job="reference",exchange="okx"}': (
                "1800x19 stale _x78 60x20"
            ),
        },
        {},
        42,
        51,
        "9",
    ),
    Fault(
        "LiqFramesWait",
        {'liq_parked_waiting{job="reference"}': "12x19 2000x39 12x60"},
        {},
        26,
        31,
        "2k",
    ),
    Fault(
        "LiqRateOld",
        {'liq_rate_age_seconds{job="reference",currency="BTC"}': "40x19 1000x39 40x60"},
        {"currency": "BTC"},
        16,
        31,
        "16m 40s",
    ),
    Fault(
        "LiqSinkPaused",
        {'liq_sink_paused{job="sink",instance="sink:8080"}': ZERO_THEN_ONE},
        {"job": "sink", "instance": "sink:8080"},
        13,
        21,
    ),
    Fault(
        "LiqSinkRetries",
        {'liq_sink_retries_total{job="sink",reason="memory"}': "0x19 0+1x39 39x80"},
        {"job": "sink", "reason": "memory"},
        22,
        45,
        "20",
    ),
    Fault(
        "LiqSinkSlow",
        _slow('liq_sink_insert_seconds_bucket{{job="sink",le="{le}"}}', "0.5"),
        {"job": "sink"},
        22,
        42,
        "29.71s",
    ),
    Fault(
        "LiqDiskFills",
        {
            'node_filesystem_avail_bytes{job="node",instance="node:9100",mountpoint="/data"}': (
                "50x19 10x39 50x60"
            ),
            'node_filesystem_size_bytes{job="node",instance="node:9100",mountpoint="/data"}': (
                "100x120"
            ),
        },
        {"job": "node", "instance": "node:9100", "mountpoint": "/data"},
        21,
        31,
        "10%",
    ),
    Fault(
        "LiqDiskFull",
        {
            'kubelet_volume_stats_available_bytes{job="kubelet",namespace="kafka",'
            'persistentvolumeclaim="data-kafka-1"}': "50x19 2x39 50x60",
            'kubelet_volume_stats_capacity_bytes{job="kubelet",namespace="kafka",'
            'persistentvolumeclaim="data-kafka-1"}': "100x120",
        },
        {"job": "kubelet", "namespace": "kafka", "persistentvolumeclaim": "data-kafka-1"},
        12,
        31,
        "2%",
    ),
    Fault(
        "LiqReceiverFails",
        {'liq_notify_failing{job="notify",receiver="risk"}': ZERO_THEN_ONE},
        {"receiver": "risk"},
        13,
        21,
    ),
    Fault(
        "LiqReceiverDisabled",
        {'liq_notify_disabled{job="notify",receiver="risk"}': ZERO_THEN_ONE},
        {"receiver": "risk"},
        11,
        21,
    ),
    Fault(
        "LiqMessagesWait",
        {'liq_notify_waiting{job="notify",receiver="risk"}': "0x19 60x19 0x80"},
        {"receiver": "risk"},
        13,
        21,
        "60",
    ),
)
