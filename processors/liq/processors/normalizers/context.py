"""The metadata of a frame and the configuration of the normalizer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.numbers import MAX_VALUE_USD, stored
from liq.schemas.records import Source

# A rate is published every minute; bitcoin moves by a few tenths of a percent in ten.
DEFAULT_MAX_RATE_AGE_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class FrameMetadata:
    """The origin of a frame and its time of receipt.

    `feed` is the producer's name of the venue's endpoint (`usdm`, `linear`, `public`, ...).
    `received_at_ms` is the producer's UTC clock. `source` is the raw record; None for a frame that
    was not read from Kafka.

    `waited_for` has the contracts that the frame waited for; None for a frame that did not wait.
    Only their entries are read, because the others were read at the frame's first arrival. `rates`
    is the text of the frame's rates (`liq.schemas.frame_rates`); empty without rates. `subject` is
    the subject of a request to a venue's history, such as a market; empty for live feeds.
    """

    exchange: str
    feed: str
    received_at_ms: int
    source: Source | None = None
    waited_for: frozenset[str] | None = None
    rates: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class NormalizerConfig:
    """The thresholds for the labels of events, in dollars, and the greatest age of a rate.

    Raises:
        ValueError: a value is not a storable number above zero.
    """

    institutional_threshold_usd: Decimal
    btc_price_level_step_usd: Decimal
    max_rate_age_ms: int = DEFAULT_MAX_RATE_AGE_MS

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("institutional_threshold_usd", "btc_price_level_step_usd"):
            value: Decimal = getattr(self, name)
            try:
                usable = (
                    value.is_finite()
                    and 0 < value <= MAX_VALUE_USD
                    and stored(value, name) == value
                )
            except EntryError:
                usable = False
            if not usable:
                raise ValueError(
                    f"{name} is {value}: set it above zero and up to {MAX_VALUE_USD}, with at "
                    "most 12 decimal places."
                )
        if self.max_rate_age_ms <= 0:
            raise ValueError(f"max_rate_age_ms is {self.max_rate_age_ms}: set it above zero.")
