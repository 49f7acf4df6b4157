"""The configuration of the detector, and the constants from which the rules of lanes follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from math import inf

from liq.processors.cascades.observation import cents
from liq.processors.cascades.ring import LONG_SECONDS, SHORT_SECONDS
from liq.processors.cascades.rules import BurnRule, Burst, LaneRules
from liq.processors.cascades.surprise import Dispersion
from liq.schemas.detector_defaults import (
    HOT_NATS,
    MIN_EVENTS,
    MIN_VALUE_USD,
    MIN_WINDOW_SECONDS,
    QUIET_SECONDS,
    SCORE_GATE,
    START_NATS,
    WINDOW_SECONDS,
)
from liq.schemas.units import HOUR_SECONDS
from liq.schemas.vocabulary import Scope

ALGORITHM = "adaptive-4"
MAX_WINDOW_SECONDS = LONG_SECONDS
# Variance over mean of calm counts, in 10 s, in the reference window of 60 s, and in 300 s.
ASSET_DISPERSION = Dispersion(3.3, 5.2, 6.5)
MARKET_DISPERSION = Dispersion(3.5, 9.0, 15.0)
DISPERSION_WINDOW_SECONDS = 60
ASSET_CELLS_AN_HOUR, MARKET_CELLS_AN_HOUR = 5, 600
# A cell of a tenth of the floor weighs one; a normal hour counts as at least a twentieth of it.
REFERENCE_SHARE, LEAST_HOUR_SHARE = 10, 20
# A watch requires an eighth of the floor's dollars.
WATCH_SHARE = 8
FULL_ASSET_MULTIPLE, FULL_MARKET_MULTIPLE = 100, 1_000
FULL_VENUES, FULL_ASSETS = 2.5, 20.0
# The surprise of the market counts up to a limit: without dollars, many assets are no crash.
MARKET_START_NATS, MARKET_MOST_NATS = 5.5, 15.0
ASSET_MOST_NATS = inf
# Above any probability: the condition is never met.
NEVER = 2.0
# The floor and the least hour of the market, in floors of an asset.
MARKET_FLOORS, MARKET_LEAST_HOUR_FLOORS = 1.5, 5
MARKET_DOLLAR_NATS = 6.0
# A market cascade requires this many assets with a tenth of an asset's floor each.
MARKET_HEAVY_ASSETS = 6
# A side with a smaller share of the market's dollars and cells is part of the other side's event.
MARKET_LEAST_SHARE = 1 / 3
# The values of `BurnRule`; dollars as multiples of the asset's floor.
BURN_NATS, BURN_HOURS, BURN_EVENTS = 10.0, 8.0, 12
BURN_FLOORS, BURN_MIDDLE_FLOORS = 1.0, 0.5
# A calm block of ten seconds contributes at most this many cents to a baseline.
ASSET_BLOCK_CENTS, MARKET_BLOCK_CENTS = 2_000_000, 40_000_000


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Thresholds of a cascade, for one side of one asset or of the whole market.

    A cascade requires the floor (`min_events` and `min_value_usd` in `window_seconds` of event
    time), evidence of at least `start_nats` (nats, from the budget for false alarms), and a risk
    score of at least `score_gate`. `min_value_usd_by_asset` replaces the floor's value for single
    assets. A market cascade requires `market_breadth` assets within ten seconds. A cascade ends
    after `quiet_seconds` without a hot tick.

    Raises:
        ValueError: a value is invalid; the message names it and the reason.
    """

    window_seconds: int = WINDOW_SECONDS
    min_events: int = MIN_EVENTS
    min_value_usd: Decimal = MIN_VALUE_USD
    min_value_usd_by_asset: Mapping[str, Decimal] = field(default_factory=dict)
    start_nats: float = START_NATS
    score_gate: float = SCORE_GATE
    watch_nats: float = HOT_NATS
    watch_probability: float = 0.1
    hot_nats: float = HOT_NATS
    dollar_nats: float = 6.0
    quiet_seconds: int = QUIET_SECONDS
    memory_hours: int = 3
    market_breadth: int = 8

    def __post_init__(self) -> None:
        """Reject values with which detection would be meaningless."""
        if not MIN_WINDOW_SECONDS <= self.window_seconds <= MAX_WINDOW_SECONDS:
            raise ValueError(
                f"the detection window must be {MIN_WINDOW_SECONDS} to {MAX_WINDOW_SECONDS} "
                f"seconds, not {self.window_seconds}"
            )
        if self.min_events < 1:
            raise ValueError(f"a cascade needs at least one event, not {self.min_events}")
        for value in (self.min_value_usd, *self.min_value_usd_by_asset.values()):
            if not value.is_finite() or cents(value) <= 0:
                raise ValueError(
                    f"the smallest value of a cascade must be more than 0 USD, not {value}"
                )
        if self.quiet_seconds < self.window_seconds:
            raise ValueError(
                f"a cascade must stay quiet for a whole window of {self.window_seconds} seconds "
                f"before it ends, not for {self.quiet_seconds}"
            )
        if not 0 < self.hot_nats <= self.start_nats:
            raise ValueError(
                f"the threshold to go on must lie between 0 and the one to start "
                f"({self.start_nats} nats), not at {self.hot_nats}"
            )
        if self.memory_hours < 1 or self.market_breadth < 1:
            raise ValueError("memory_hours and market_breadth must be at least 1")

    @cached_property
    def _asset_rules(self) -> dict[str, LaneRules]:
        return {
            asset: self._rules_of_asset(cents(value))
            for asset, value in self.min_value_usd_by_asset.items()
        }

    @cached_property
    def _default_rules(self) -> LaneRules:
        return self._rules_of_asset(cents(self.min_value_usd))

    def asset_rules(self, asset: str) -> LaneRules:
        """Return the rules of an asset's lanes."""
        return self._asset_rules.get(asset, self._default_rules)

    @cached_property
    def market_rules(self) -> LaneRules:
        """The rules of the market's lanes."""
        asset_cents = cents(self.min_value_usd)
        floor_cents = round(MARKET_FLOORS * asset_cents)
        return LaneRules(
            scope=Scope.MARKET,
            window_seconds=self.window_seconds,
            floor_events=self.min_events,
            floor_cents=floor_cents,
            watch_events=self.min_events,
            watch_cents=floor_cents,
            start_nats=MARKET_START_NATS,
            most_nats=MARKET_MOST_NATS,
            # The market has no watches.
            watch_nats=self.hot_nats,
            watch_probability=NEVER,
            hot_nats=self.hot_nats,
            score_gate=self.score_gate,
            quiet_seconds=self.quiet_seconds,
            memory_seconds=float(self.memory_hours * HOUR_SECONDS),
            prior_rate=MARKET_CELLS_AN_HOUR / HOUR_SECONDS,
            dispersion=dispersion_of(MARKET_DISPERSION, self.window_seconds),
            learns_clustering=False,
            full_cents=FULL_MARKET_MULTIPLE * asset_cents,
            full_groups=FULL_ASSETS,
            least_groups=self.market_breadth,
            least_heavy_groups=min(MARKET_HEAVY_ASSETS, self.market_breadth),
            heavy_cents=asset_cents // REFERENCE_SHARE,
            least_share=MARKET_LEAST_SHARE,
            reference_bits=None,
            dollar_nats=MARKET_DOLLAR_NATS,
            least_hourly_cents=MARKET_LEAST_HOUR_FLOORS * asset_cents,
            block_cents=MARKET_BLOCK_CENTS,
            bursts=(),
            burn=None,
        )

    def _rules_of_asset(self, floor_cents: int) -> LaneRules:
        return LaneRules(
            scope=Scope.ASSET,
            window_seconds=self.window_seconds,
            floor_events=self.min_events,
            floor_cents=floor_cents,
            watch_events=max(1, self.min_events - 2),
            watch_cents=floor_cents // WATCH_SHARE,
            start_nats=self.start_nats,
            most_nats=ASSET_MOST_NATS,
            watch_nats=self.watch_nats,
            watch_probability=self.watch_probability,
            hot_nats=self.hot_nats,
            score_gate=self.score_gate,
            quiet_seconds=self.quiet_seconds,
            memory_seconds=float(self.memory_hours * HOUR_SECONDS),
            prior_rate=ASSET_CELLS_AN_HOUR / HOUR_SECONDS,
            dispersion=dispersion_of(ASSET_DISPERSION, self.window_seconds),
            learns_clustering=True,
            full_cents=FULL_ASSET_MULTIPLE * floor_cents,
            full_groups=FULL_VENUES,
            least_groups=0,
            least_heavy_groups=0,
            heavy_cents=0,
            least_share=0.0,
            reference_bits=(floor_cents // REFERENCE_SHARE).bit_length(),
            dollar_nats=self.dollar_nats,
            least_hourly_cents=max(1, floor_cents // LEAST_HOUR_SHARE),
            block_cents=ASSET_BLOCK_CENTS,
            bursts=_bursts(floor_cents),
            burn=BurnRule(
                nats=BURN_NATS,
                hours=BURN_HOURS,
                events=BURN_EVENTS,
                cents=round(BURN_FLOORS * floor_cents),
                middle_cents=round(BURN_MIDDLE_FLOORS * floor_cents),
            ),
        )

    @cached_property
    def identity(self) -> str:
        """The algorithm and a digest of all values; equal identities yield equal alerts."""
        values = (
            self.window_seconds,
            self.min_events,
            cents(self.min_value_usd),
            sorted((name, cents(value)) for name, value in self.min_value_usd_by_asset.items()),
            self.start_nats,
            self.score_gate,
            self.watch_nats,
            self.watch_probability,
            self.hot_nats,
            self.dollar_nats,
            self.quiet_seconds,
            self.memory_hours,
            self.market_breadth,
        )
        digest = sha256("|".join(map(str, values)).encode()).hexdigest()
        return f"{ALGORITHM}:{digest[:8]}"


def _bursts(floor_cents: int) -> tuple[Burst, ...]:
    """Return the burst rules for an asset's floor: crowded, wide, and without a crowd.

    The last one requires more cells and dollars. It serves feeds that publish one liquidation a
    second, which cannot crowd.
    """
    beyond_cents = round(0.15 * floor_cents)
    return (
        Burst(nats=4.5, cells=5, cents=beyond_cents, crowd=4, crowding=1.6),
        Burst(nats=7.0, cells=8, cents=beyond_cents, crowd=2, middle_cents=2 * floor_cents),
        Burst(nats=4.5, cells=14, cents=round(1.25 * floor_cents)),
    )


def dispersion_of(reference: Dispersion, window_seconds: int) -> Dispersion:
    """Return the dispersion with a middle window of `window_seconds`, by linear interpolation."""
    if window_seconds <= DISPERSION_WINDOW_SECONDS:
        low, high = SHORT_SECONDS, DISPERSION_WINDOW_SECONDS
        from_value, to_value = reference.short, reference.middle
    else:
        low, high = DISPERSION_WINDOW_SECONDS, LONG_SECONDS
        from_value, to_value = reference.middle, reference.long
    share = (window_seconds - low) / (high - low)
    return reference._replace(middle=from_value + share * (to_value - from_value))
