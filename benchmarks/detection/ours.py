"""Our detector, assets and market together, in the form that the scorer evaluates."""

from collections.abc import Iterable, Sequence

from benchmarks.detection.incidents import Incident
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.engine import CascadeEngine
from liq.processors.cascades.observation import Observation
from liq.schemas.folding import GRACE_MS, fold
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side

WATCH_LASTS_MS = 30_000


def adaptive(
    observations: Iterable[Observation], config: DetectorConfig | None = None
) -> list[Incident]:
    """Return every cascade of a day, with the messages to a user."""
    return incidents_of(alerts_of(observations, config))


def adaptive_with_watches(observations: Iterable[Observation]) -> list[Incident]:
    """Return the incidents of `adaptive`, and every early sign as an incident with a message."""
    alerts = alerts_of(observations)
    signs = [
        Incident(
            alert.asset,
            alert.side,
            told_ms=[alert.timestamp_ms],
            end_ms=alert.timestamp_ms,
            notifications=1,
            open_until_ms=alert.timestamp_ms + WATCH_LASTS_MS,
        )
        for alert in alerts
        if alert.type is AlertType.WATCH
    ]
    return incidents_of(alerts) + signs


def alerts_of(
    observations: Iterable[Observation], config: DetectorConfig | None = None
) -> list[CascadeAlert]:
    """Return every record of the detector for a day."""
    engine = CascadeEngine(config or DetectorConfig())
    alerts: list[CascadeAlert] = []
    for offset, event in enumerate(observations):
        alerts += engine.observe(event, offset)
    return alerts + engine.finish()


def incidents_of(alerts: Sequence[CascadeAlert]) -> list[Incident]:
    """Convert records to incidents; messages count after folding.

    A record with a folded message is announced at the time of the market's message. A message that
    left before the record was decided does not announce it.
    """
    messages = fold((alert.timestamp_ms, alert) for alert in alerts)
    told = {message.alert.alert_id for message in messages}
    told_by_parent = {
        folded.alert_id: message.alert.timestamp_ms
        for message in messages
        for folded in message.folded
        if message.alert.timestamp_ms >= folded.timestamp_ms - GRACE_MS
    }
    made: dict[str, Incident] = {}
    watched: dict[tuple[str, Side], list[int]] = {}
    for alert in alerts:
        key = (alert.asset, alert.side)
        if alert.type is AlertType.WATCH:
            watched.setdefault(key, []).append(alert.timestamp_ms)
            continue
        if alert.type is AlertType.LINKED:
            continue
        incident = made.get(alert.cascade_id)
        if incident is None:
            since_ms = alert.timestamp_ms - WATCH_LASTS_MS
            early = [at_ms for at_ms in watched.pop(key, []) if at_ms >= since_ms]
            incident = made[alert.cascade_id] = Incident(
                *key, told_ms=[], end_ms=0, notifications=0, watched_ms=early
            )
        _add(incident, alert, told, told_by_parent)
    return list(made.values())


def _add(
    incident: Incident, alert: CascadeAlert, told: set[str], told_by_parent: dict[str, int]
) -> None:
    incident.notifications += alert.alert_id in told
    if alert.type is not AlertType.ENDED:
        if alert.alert_id in told:
            incident.told_ms.append(alert.timestamp_ms)
        if alert.alert_id in told_by_parent:
            incident.told_by_parent_ms.append(told_by_parent[alert.alert_id])
    if alert.ended_at_ms is not None:
        incident.end_ms = alert.ended_at_ms
        incident.open_until_ms = alert.timestamp_ms
    incident.onset_ms = alert.started_at_ms
    incident.score = max(incident.score, alert.risk_score)
