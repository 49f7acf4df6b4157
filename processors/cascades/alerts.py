"""The records that tell of a cascade."""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from processors.cascades.money import usd
from processors.cascades.score import Assessment
from processors.cascades.state import OpenCascade
from processors.cascades.tally import Tally
from schemas.records import CascadeAlert
from schemas.vocabulary import AlertType, Scope, Side

ID_CHARACTERS = 32
DETECTED_SEQUENCE, ENDED_SEQUENCE = 0, 1


def cascade_id(
    detector: str, asset: str, side: Side, started_at_ms: int, trigger_event_id: str
) -> str:
    """The cascade's name: the same whenever the same log is read with the same configuration."""
    return _digest(detector, Scope.ASSET, asset, side, started_at_ms, trigger_event_id)


def detected(cascade: OpenCascade) -> CascadeAlert:
    """The first record of a cascade; its last hot moment is the one at which it was detected."""
    return _alert(cascade, _Step(DETECTED_SEQUENCE, AlertType.DETECTED, cascade.last_hot_ms))


def ended(cascade: OpenCascade, window_ms: int) -> CascadeAlert:
    """The last record of a cascade: totals to the last hot moment, scores at the riskiest one."""
    over_ms = cascade.last_hot_ms + window_ms
    return _alert(
        cascade, _Step(ENDED_SEQUENCE, AlertType.ENDED, over_ms, ended_at_ms=cascade.last_hot_ms)
    )


@dataclass(frozen=True, slots=True)
class _Step:
    sequence: int
    type: AlertType
    timestamp_ms: int
    ended_at_ms: int | None = None


def _alert(cascade: OpenCascade, step: _Step) -> CascadeAlert:
    tally: Tally = cascade.confirmed
    peak: Assessment = cascade.peak
    return CascadeAlert(
        alert_id=_digest(cascade.cascade_id, step.sequence),
        cascade_id=cascade.cascade_id,
        sequence=step.sequence,
        type=step.type,
        scope=Scope.ASSET,
        asset=cascade.asset,
        side=cascade.side,
        started_at_ms=cascade.started_at_ms,
        timestamp_ms=step.timestamp_ms,
        event_count=tally.count,
        total_value_usd=usd(tally.micro_usd),
        long_ratio=peak.long_ratio,
        exchanges=tuple(sorted(tally.exchanges)),
        symbols=tuple(sorted(tally.symbols)),
        risk_score=peak.risk_score,
        score_parts=peak.parts,
        basic_risk_score=cascade.basic_peak,
        price_first=tally.first[2] if tally.first else Decimal(0),
        price_last=tally.last[2] if tally.last else Decimal(0),
        largest_event_ids=tuple(event_id for _, event_id in tally.largest),
        detector=cascade.detector,
        ended_at_ms=step.ended_at_ms,
    )


def _digest(*parts: object) -> str:
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:ID_CHARACTERS]
