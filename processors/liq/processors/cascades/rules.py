"""The constants of a kind of lane. docs/detection.md says where each comes from."""

from dataclasses import dataclass

from liq.processors.cascades.surprise import Dispersion
from liq.schemas.vocabulary import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRules:
    """How one kind of lane judges: floors, evidence, score and lifecycle.

    `*_seconds` are seconds, `prior_rate` is cells a second. `start_nats` is compared with the
    evidence (the surprise, and `dollar_nats` for each e-fold of dollars above the normal hour's),
    `watch_nats` and `hot_nats` with the surprise alone. `least_groups` must take part in the last
    ten seconds. `learns_clustering`: whether a lane's own clustering scales `dispersion`.
    `reference_bits`: see `ring.Ring`.
    """

    scope: Scope
    window_seconds: int
    floor_events: int
    floor_cents: int
    watch_events: int
    watch_cents: int
    start_nats: float
    watch_nats: float
    hot_nats: float
    score_gate: float
    quiet_seconds: int
    memory_seconds: float
    prior_rate: float
    dispersion: Dispersion
    learns_clustering: bool
    full_cents: int
    full_groups: float
    least_groups: int
    reference_bits: int | None
    dollar_nats: float
    least_hourly_cents: int
