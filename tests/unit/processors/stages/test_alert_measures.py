"""Delays are measured of alerts of the present: a replay leaves the histograms as they are."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import REGISTRY

from liq.processors.stages.alert_measures import measure
from liq.schemas.units import HOUR_MS
from tests.support.sample_records import alert

MEASURED = ("liq_received_to_alert_seconds_count", "liq_exchange_to_alert_seconds_count")


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


def published(age_ms: int) -> None:
    decided_ms = int(time.time() * 1000) - age_ms
    analysis = cast("Any", SimpleNamespace(last_event_ms=decided_ms - 400))
    measure(replace(alert(), timestamp_ms=decided_ms, analysis=analysis))


def test_an_alert_of_the_present_is_measured_however_late() -> None:
    before = [counted(name) for name in MEASURED]
    published(age_ms=200)
    published(age_ms=HOUR_MS - 60_000)
    assert [counted(name) for name in MEASURED] == [count + 2 for count in before]


def test_an_alert_of_a_replay_is_counted_and_not_measured() -> None:
    before = [counted(name) for name in MEASURED]
    old = counted("liq_old_alerts_total")
    published(age_ms=2 * HOUR_MS)
    assert [counted(name) for name in MEASURED] == before
    assert counted("liq_old_alerts_total") == old + 1
