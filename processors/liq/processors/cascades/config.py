"""What a user may choose about detection, and the constants around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from hashlib import sha256

from liq.processors.cascades.observation import cents
from liq.processors.cascades.ring import LONG_SECONDS, SHORT_SECONDS
from liq.processors.cascades.rules import LaneRules
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

ALGORITHM = "adaptive-2"
MAX_WINDOW_SECONDS = LONG_SECONDS
# Variance over mean of calm counts, in 10 s, in the reference window of 60 s, and in 300 s.
ASSET_DISPERSION = Dispersion(3.3, 5.2, 6.5)
MARKET_DISPERSION = Dispersion(3.5, 9.0, 15.0)
DISPERSION_WINDOW_SECONDS = 60
ASSET_CELLS_AN_HOUR, MARKET_CELLS_AN_HOUR = 5, 600
# A cell of a tenth of the floor weighs one; no hour counts as less than a twentieth of it.
REFERENCE_SHARE, LEAST_HOUR_SHARE = 10, 20
# A watch takes an eighth of the floor's dollars.
WATCH_SHARE = 8
FULL_ASSET_MULTIPLE, FULL_MARKET_MULTIPLE = 100, 1_000
FULL_VENUES, FULL_ASSETS = 2.5, 20.0
MARKET_START_NATS = 9.0


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Thresholds of a cascade, for one side of one asset or of the whole market.

    The floor (`min_events` and `min_value_usd` in `window_seconds` of event time) must be met;
    what is implausible beyond it is decided by `start_nats`, the evidence in nats that the false
    alarm budget asks for, and `score_gate`, the least risk score that is worth a message.
    `min_value_usd_by_asset` replaces the floor's value for single assets. A market-wide cascade
    takes `market_breadth` assets within ten seconds. A cascade ends after `quiet_seconds`.

    Raises:
        ValueError: a value makes no sense; the message says which and why.
    """

    window_seconds: int = WINDOW_SECONDS
    min_events: int = MIN_EVENTS
    min_value_usd: Decimal = MIN_VALUE_USD
    min_value_usd_by_asset: Mapping[str, Decimal] = field(default_factory=dict)
    start_nats: float = START_NATS
    score_gate: float = SCORE_GATE
    watch_nats: float = 3.2
    hot_nats: float = HOT_NATS
    dollar_nats: float = 6.0
    quiet_seconds: int = QUIET_SECONDS
    memory_hours: int = 3
    market_breadth: int = 8

    def __post_init__(self) -> None:
        """Refuse values with which detection would mean nothing."""
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
        """How the lanes of an asset judge."""
        return self._asset_rules.get(asset, self._default_rules)

    @cached_property
    def market_rules(self) -> LaneRules:
        """How the market's lanes judge."""
        floor_cents = cents(self.min_value_usd)
        return LaneRules(
            scope=Scope.MARKET,
            window_seconds=self.window_seconds,
            floor_events=self.min_events,
            floor_cents=floor_cents,
            watch_events=self.min_events,
            watch_cents=floor_cents,
            start_nats=MARKET_START_NATS,
            # Nobody is told of a market that is only watched.
            watch_nats=MARKET_START_NATS,
            hot_nats=self.hot_nats,
            score_gate=self.score_gate,
            quiet_seconds=self.quiet_seconds,
            memory_seconds=float(self.memory_hours * HOUR_SECONDS),
            prior_rate=MARKET_CELLS_AN_HOUR / HOUR_SECONDS,
            dispersion=dispersion_of(MARKET_DISPERSION, self.window_seconds),
            learns_clustering=False,
            full_cents=FULL_MARKET_MULTIPLE * floor_cents,
            full_groups=FULL_ASSETS,
            least_groups=self.market_breadth,
            reference_bits=None,
            dollar_nats=0.0,
            least_hourly_cents=1,
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
            watch_nats=self.watch_nats,
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
            reference_bits=(floor_cents // REFERENCE_SHARE).bit_length(),
            dollar_nats=self.dollar_nats,
            least_hourly_cents=max(1, floor_cents // LEAST_HOUR_SHARE),
        )

    @cached_property
    def identity(self) -> str:
        """The algorithm and a digest of the values: equal if and only if alerts would be."""
        values = (
            self.window_seconds,
            self.min_events,
            cents(self.min_value_usd),
            sorted((name, cents(value)) for name, value in self.min_value_usd_by_asset.items()),
            self.start_nats,
            self.score_gate,
            self.watch_nats,
            self.hot_nats,
            self.dollar_nats,
            self.quiet_seconds,
            self.memory_hours,
            self.market_breadth,
        )
        digest = sha256("|".join(map(str, values)).encode()).hexdigest()
        return f"{ALGORITHM}:{digest[:8]}"


def dispersion_of(reference: Dispersion, window_seconds: int) -> Dispersion:
    """The dispersion with another middle window than 60 s, between its neighbours in proportion."""
    if window_seconds <= DISPERSION_WINDOW_SECONDS:
        low, high = SHORT_SECONDS, DISPERSION_WINDOW_SECONDS
        from_value, to_value = reference.short, reference.middle
    else:
        low, high = DISPERSION_WINDOW_SECONDS, LONG_SECONDS
        from_value, to_value = reference.middle, reference.long
    share = (window_seconds - low) / (high - low)
    return reference._replace(middle=from_value + share * (to_value - from_value))
