"""What a normalizer needs to know besides the frame."""

from dataclasses import dataclass
from decimal import Decimal

from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.numbers import MAX_VALUE_USD, stored
from liq.schemas.records import Source


@dataclass(frozen=True, slots=True)
class FrameMetadata:
    """Where a frame came from and when.

    `feed` is the venue's endpoint as the producer names it (`usdm`, `linear`, `public`, ...).
    `received_at_ms` is the producer's UTC clock; `source` is the raw record, absent when the
    frame did not come out of Kafka.
    """

    exchange: str
    feed: str
    received_at_ms: int
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class NormalizerConfig:
    """The thresholds that events are labelled with, in dollars.

    Raises:
        ValueError: a value is not a number above zero that can be stored.
    """

    institutional_threshold_usd: Decimal
    btc_price_level_step_usd: Decimal

    def __post_init__(self) -> None:
        """Refuse a threshold or step that cannot work."""
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
