"""The constants of a kind of lane; docs/detection.md explains the origin of each."""

from dataclasses import dataclass
from typing import NamedTuple

from liq.processors.cascades.surprise import Dispersion
from liq.schemas.vocabulary import Scope


class Burst(NamedTuple):
    """The minimum values with which ten seconds start a cascade.

    `nats` is the surprise of the two shorter windows. `crowd` is the number of liquidations minus
    the number of cells: liquidations that share the half second of a venue and symbol with another.
    `crowding` is the ratio of the two numbers. `cents` are those beyond the largest cell,
    `middle_cents` those of the middle window.
    """

    nats: float
    cells: int
    cents: int
    crowd: int = 0
    crowding: float = 1.0
    middle_cents: int = 0


class BurnRule(NamedTuple):
    """The minimum values with which five minutes of few but steady liquidations start a cascade.

    `cents` are those beyond the two busiest seconds. In addition, either the surprise of the long
    window must reach `nats`, or these cents must equal those of `hours` normal hours.
    `middle_cents` are those of the middle window, so that the burn still goes on.
    """

    nats: float
    hours: float
    events: int
    cents: int
    middle_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRules:
    """The rules of one kind of lane: floors, evidence, score and lifecycle.

    `prior_rate` is in cells a second. `start_nats` is compared with the evidence: the surprise, at
    most `most_nats`, plus `dollar_nats` for each e-fold of dollars above the normal hour's.
    `watch_nats` and `hot_nats` are compared with the surprise alone, `watch_probability` with the
    probability of going on (`forward`).

    A start requires `least_groups` in the last ten seconds, and `least_heavy_groups` with
    `heavy_cents` each in the middle window. A side with less than `least_share` of the dollars and
    of the cells of both sides starts no cascade. Each of `bursts`, and `burn` if set, starts a
    cascade without regard to the evidence.

    `learns_clustering` scales `dispersion` by the lane's own clustering. A calm block contributes
    at most `block_cents` to the baseline. `reference_bits` is explained in `ring.Ring`.
    """

    scope: Scope
    window_seconds: int
    floor_events: int
    floor_cents: int
    watch_events: int
    watch_cents: int
    start_nats: float
    most_nats: float
    watch_nats: float
    watch_probability: float
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
    least_heavy_groups: int
    heavy_cents: int
    least_share: float
    reference_bits: int | None
    dollar_nats: float
    least_hourly_cents: int
    block_cents: int
    bursts: tuple[Burst, ...]
    burn: BurnRule | None
