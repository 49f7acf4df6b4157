"""The alert rules of `deploy/prometheus`, and series that must raise each of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import yaml

from tests.support.paths import ROOT

PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
RULE_FILES: Final = tuple(sorted((PROMETHEUS / "rules").glob("*.yml")))
#: The series of a healthy pipeline, in the notation of `promtool test rules`.
QUIET: Final[Mapping[str, str]] = {
    **{
        f'up{{job="{job}",instance="{job}:8080"}}': "1x120"
        for job in ("produce", "normalize", "detect", "sink", "reference", "notify")
    },
    # Killed, and back within seconds: one scrape fails, and the start time changes.
    'up{job="sink",instance="sink2:8080"}': "1x20 0 1x99",
    'process_start_time_seconds{job="sink",instance="sink2:8080"}': "1000x20 _ 2000x99",
    'liq_ready{job="sink",instance="sink2:8080",condition="clickhouse"}': "1x20 _ 0 0 1x97",
    'liq_stalled_seconds{job="detect",instance="detect:8080"}': "0x120",
    'liq_consumer_lag_records{job="normalize",topic="raw",partition="0"}': "120x60 9000 100x59",
    'liq_output_pending_bytes{job="normalize",instance="normalize:8080"}': "20000x120",
    'liq_errors_total{job="detect",kind="http_cut"}': "0+9x120",
    'liq_errors_total{job="detect",kind="feed"}': "0x60 2x60",
    'liq_detection_decided_age_seconds{job="detect",scope="assets"}': "1x120",
    'liq_detection_decided_age_seconds{job="detect",scope="market"}': "1x60 12 1x59",
    'liq_detection_waiting{job="detect",partition="3"}': "0x120",
    'liq_received_to_alert_seconds_bucket{job="detect",le="0.25"}': "0+1x120",
    'liq_received_to_alert_seconds_bucket{job="detect",le="+Inf"}': "0+1x120",
    'liq_checkpoint_seconds_bucket{job="detect",le="0.05"}': "0+60x120",
    'liq_checkpoint_seconds_bucket{job="detect",le="+Inf"}': "0+60x120",
    'liq_checkpoint_age_seconds{job="detect",topic="liquidations.detector-state"}': "1x60 20 1x59",
    'liq_state_rebuilt_records_total{job="detect",topic="liquidations.events"}': "7x120",
    'liq_clock_corrected_total{job="normalize",topic="raw.okx"}': "3x120",
    'liq_feed_connections{job="produce",exchange="okx",feed="swap"}': "1x60 0 1x59",
    'liq_feed_stale{job="produce",exchange="okx",feed="swap"}': "0x120",
    'liq_feed_stale_connections{job="produce",exchange="okx",feed="swap"}': "0x120",
    'liq_feed_unread{job="normalize",exchange="okx",feed="swap"}': "0x120",
    'liq_rejected_total{job="normalize",exchange="okx",reason="unknown"}': "0+1x120",
    'liq_frames_normalized_total{job="normalize",exchange="okx"}': "0+900x120",
    'liq_feed_events_total{job="produce",exchange="okx",feed="swap",event="gap"}': "4x120",
    'liq_feed_circuit_breaker{job="produce",exchange="okx",state="open"}': "0x60 1x2 0x58",
    'liq_feed_connection_attempts_total{job="produce",exchange="okx",feed="swap",'
    'result="refused"}': "1x120",
    'liq_contract_listing_age_seconds{job="reference",exchange="okx"}': "1800x120",
    'liq_instruments_age_days{job="normalize",instance="normalize:8080"}': "1x120",
    'liq_parked_waiting{job="reference"}': "12x120",
    'liq_history_open_gaps{job="backfill",exchange="gate"}': "1x20 0x100",
    # One poll without an answer, then the next one that has it.
    'liq_poll_behind_seconds{job="backfill",exchange="orderly",feed="liquidations"}': (
        "15x60 150x4 15x56"
    ),
    # Two polls of OKX without an answer.
    'liq_poll_behind_seconds{job="backfill",exchange="gate",feed="usdt-completion"}': "300x120",
    'liq_poll_behind_seconds{job="backfill",exchange="okx",feed="public-completion"}': (
        "600x20 1200x20 1800x20 600x60"
    ),
    'liq_history_differs_total{job="sink",exchange="gate"}': "3x120",
    'liq_rate_age_seconds{job="reference",currency="BTC"}': "40x120",
    'liq_notify_failing{job="notify",receiver="desk"}': "0x60 1 0x59",
    'liq_notify_disabled{job="notify",receiver="desk"}': "0x120",
    'liq_notify_waiting{job="notify",receiver="desk"}': "0x60 80 0x59",
    'liq_sink_paused{job="sink",instance="sink:8080"}': "0x60 1 0x59",
    'liq_sink_retries_total{job="sink",reason="timeout"}': "0x60 1x60",
    'liq_sink_insert_seconds_bucket{job="sink",le="0.5"}': "0+6x120",
    'liq_sink_insert_seconds_bucket{job="sink",le="+Inf"}': "0+6x120",
    'node_filesystem_avail_bytes{job="node",instance="node:9100",mountpoint="/"}': "50x120",
    'node_filesystem_size_bytes{job="node",instance="node:9100",mountpoint="/"}': "100x120",
    'kubelet_volume_stats_available_bytes{job="kubelet",namespace="kafka",'
    'persistentvolumeclaim="data-kafka-0"}': "30x120",
    'kubelet_volume_stats_capacity_bytes{job="kubelet",namespace="kafka",'
    'persistentvolumeclaim="data-kafka-0"}': "100x120",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Series that raise an alert, and the expected content of the alert.

    A series ends the fault after `raised_minutes`. `value` is the alert's value as text in its
    sentence. `without` are the healthy series that the fault removes.
    """

    alert: str
    series: Mapping[str, str]
    labels: Mapping[str, str]
    raised_minutes: int
    cleared_minutes: int
    value: str = ""
    without: tuple[str, ...] = field(default=())


@cache
def _rules() -> tuple[dict[str, Any], ...]:
    return tuple(
        rule
        for path in RULE_FILES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    )


def alert_rules() -> dict[str, dict[str, Any]]:
    """Return every alert rule by its name."""
    return {rule["alert"]: rule for rule in _rules() if "alert" in rule}


def recorded_rules() -> dict[str, str]:
    """Return the expression of every recording rule by its name."""
    return {rule["record"]: rule["expr"] for rule in _rules() if "record" in rule}


def annotations(fault: Fault) -> dict[str, str]:
    """Return the annotations of a fault's alert, filled in."""
    rule = alert_rules()[fault.alert]

    def filled(text: str) -> str:
        text = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: fault.labels.get(found[1], ""), text)
        return re.sub(r"{{ \$value[^}]*}}", fault.value, text)

    return {name: filled(text) for name, text in rule["annotations"].items()}
