"""Our detector, assets and market together, in the form that the scorer judges."""

from collections.abc import Iterable, Sequence

from benchmarks.detection.incidents import Incident
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.engine import CascadeEngine
from liq.processors.cascades.observation import Observation
from liq.schemas.folding import fold
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side

WATCH_LASTS_MS = 30_000


def adaptive(
    observations: Iterable[Observation], config: DetectorConfig | None = None
) -> list[Incident]:
    """Everything that a user is notified of in a day."""
    engine = CascadeEngine(config or DetectorConfig())
    alerts: list[CascadeAlert] = []
    for offset, event in enumerate(observations):
        alerts += engine.observe(event, offset)
    alerts += engine.finish()
    return incidents_of(alerts)


def incidents_of(alerts: Sequence[CascadeAlert]) -> list[Incident]:
    """Return records as incidents; leave out those without a message after folding."""
    messages = fold((alert.timestamp_ms, alert) for alert in alerts)
    told = {message.alert.alert_id for message in messages}
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
        incident.notifications += alert.alert_id in told
        if alert.alert_id in told and alert.type is not AlertType.ENDED:
            incident.told_ms.append(alert.timestamp_ms)
        if alert.ended_at_ms is not None:
            incident.end_ms = alert.ended_at_ms
        incident.score = max(incident.score, alert.risk_score)
    return [incident for incident in made.values() if incident.notifications]
