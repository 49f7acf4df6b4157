"""Metrics and the log line of a published alert."""

import time

from liq.runtime.logs import get_logger
from liq.runtime.metrics import (
    ALERTS,
    ASSET_LABEL,
    CASCADE_RISK,
    EXCHANGE_TO_ALERT,
    OLD_ALERTS,
    RECEIVED_TO_ALERT,
)
from liq.schemas.records import CascadeAlert
from liq.schemas.units import HOUR_MS, SECOND_MS
from liq.schemas.vocabulary import AlertType

log = get_logger(__name__)


def measure(alert: CascadeAlert) -> None:
    """Count a published alert, and observe its delay since the second of its decision."""
    ALERTS.labels(alert.type).inc()
    # A link repeats numbers of an earlier alert.
    if alert.type in {AlertType.WATCH, AlertType.LINKED}:
        return
    asset = ASSET_LABEL.value(alert.asset or alert.scope)
    CASCADE_RISK.labels(asset, alert.side).set(
        0 if alert.type is AlertType.ENDED else alert.risk_score
    )
    if alert.type is not AlertType.ENDED and alert.analysis is not None:
        _measure_delay(alert.timestamp_ms, alert.analysis.last_event_ms)
    log.info("cascade", type=alert.type, cascade_id=alert.cascade_id, text=alert.explanation)


def _measure_delay(decided_ms: int, last_event_ms: int) -> None:
    """Observe the delay of a recent alert; count an old one, such as a replay's, instead.

    A delay beyond the histograms' last bucket would carry no information.
    """
    now_ms = time.time() * SECOND_MS
    if now_ms - decided_ms > HOUR_MS:
        OLD_ALERTS.inc()
        return
    EXCHANGE_TO_ALERT.observe(max(0.0, now_ms - last_event_ms) / SECOND_MS)
    RECEIVED_TO_ALERT.observe(max(0.0, now_ms - decided_ms) / SECOND_MS)
