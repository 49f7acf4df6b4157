"""Settings of venues, detection and the values of liquidations."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from liq.runtime.settings.base import SettingsGroup
from liq.schemas import detector_defaults


class DetectionSettings(SettingsGroup):
    """Which venues are read, and what makes a cascade or a large liquidation."""

    exchanges: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Venues to work on, comma separated; empty means every known one."
    )

    cascade_window_seconds: int = Field(
        default=detector_defaults.WINDOW_SECONDS,
        ge=detector_defaults.MIN_WINDOW_SECONDS,
        le=detector_defaults.QUIET_SECONDS,
        description="Detection window, in seconds of event time.",
    )
    cascade_min_events: int = Field(
        default=detector_defaults.MIN_EVENTS,
        ge=2,
        description="Liquidations of one side in the window that make a cascade.",
    )
    cascade_min_value_usd: Decimal = Field(
        default=detector_defaults.MIN_VALUE_USD,
        gt=0,
        description="Dollars in the window that make a cascade.",
    )
    cascade_min_value_usd_by_asset: dict[str, Annotated[Decimal, Field(gt=0)]] = Field(
        default={}, description='The same for single assets, as JSON: {"BTC": 500000}.'
    )
    cascade_start_nats: float = Field(
        default=detector_defaults.START_NATS,
        ge=detector_defaults.HOT_NATS,
        le=200,
        description="Evidence that starts a cascade; more is rarer.",
    )
    cascade_score_gate: float = Field(
        default=detector_defaults.SCORE_GATE,
        ge=0,
        le=100,
        description="Least risk score that starts a cascade.",
    )
    checkpoint_seconds: float = Field(
        default=0.5,
        gt=0,
        le=10,
        description="Seconds between checkpoints of the detector; a crash repeats what came since.",
    )
    institutional_threshold_usd: Decimal = Field(
        default=Decimal(100_000), gt=0, description="Dollars that make one liquidation large."
    )
    price_level_rounding: Decimal = Field(
        default=Decimal(100), gt=0, description="Step of BTC price levels, in dollars."
    )
    rate_max_age_seconds: int = Field(
        default=600,
        ge=60,
        le=86_400,
        description="Age beyond which the rate of another currency values nothing any more.",
    )

    @field_validator("exchanges", mode="before")
    @classmethod
    def _split_exchanges(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip().lower() for word in value.split(",") if word.strip())
        return value
