"""What a normalizer needs to know besides the frame."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.numbers import stored
from liq.schemas.records import Source

# A rate is published every minute; bitcoin moves by a few tenths of a percent in ten.
DEFAULT_MAX_RATE_AGE_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class FrameMetadata:
    """Where a frame came from and when.

    `feed` is the venue's endpoint as the producer names it (`usdm`, `linear`, `public`, ...).
    `received_at_ms` is the producer's UTC clock; `source` is the raw record, absent when the
    frame did not come out of Kafka. `rates` is the text of the frame's rates
    (`liq.schemas.frame_rates`), empty when it came with none.
    """

    exchange: str
    feed: str
    received_at_ms: int
    source: Source | None = None
    rates: str = ""


@dataclass(frozen=True, slots=True)
class NormalizerConfig:
    """The thresholds that events are labelled with, in dollars, and how old a rate may be.

    Raises:
        ValueError: a value is not a number above zero that can be stored.
    """

    institutional_threshold_usd: Decimal
    btc_price_level_step_usd: Decimal
    max_rate_age_ms: int = DEFAULT_MAX_RATE_AGE_MS

    def __post_init__(self) -> None:
        """Refuse a threshold or step that cannot work."""
        for name in ("institutional_threshold_usd", "btc_price_level_step_usd"):
            value: Decimal = getattr(self, name)
            try:
                usable = value.is_finite() and value > 0 and stored(value, name) == value
            except EntryError:
                usable = False
            if not usable:
                raise ValueError(
                    f"{name} is {value}: set it above zero, with at most 26 integer digits "
                    "and 12 decimal places."
                )
        if self.max_rate_age_ms <= 0:
            raise ValueError(f"max_rate_age_ms is {self.max_rate_age_ms}: set it above zero.")
