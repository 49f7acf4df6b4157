"""What a user may choose about detection, and the fixed bounds around it."""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from processors.cascades.money import micro_usd

ALGORITHM = "threshold-1"
MILLISECONDS = 1_000
MAX_WINDOW_SECONDS = 3_600

# An exchange's clock may run ahead of ours by so much before we stop believing it.
FUTURE_TOLERANCE_MS = 5_000
# How long after the end of a cascade's last window its own events may still be under way.
END_GRACE_MS = 5_000
# A second producer of a feed, or a redelivery, repeats events within this time.
REPEAT_MEMORY_MS = 600_000
MAX_REMEMBERED_IDS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConfig:
    """Thresholds of a cascade: in `window_seconds` of event time, on one side of one asset.

    `allowed_lateness_seconds` is how much older than the window an event may be, against the
    newest receive time of its asset, and still take part.

    Raises:
        ValueError: a value makes no sense; the message says which and why.
    """

    window_seconds: int = 60
    min_events: int = 5
    min_value_usd: Decimal = Decimal(100_000)
    allowed_lateness_seconds: int = 60

    def __post_init__(self) -> None:
        """Refuse values with which detection would mean nothing."""
        if not 1 <= self.window_seconds <= MAX_WINDOW_SECONDS:
            raise ValueError(
                f"the detection window must be 1 to {MAX_WINDOW_SECONDS} seconds, "
                f"not {self.window_seconds}"
            )
        if self.min_events < 1:
            raise ValueError(f"a cascade needs at least one event, not {self.min_events}")
        if not self.min_value_usd.is_finite() or self.min_value_micro_usd <= 0:
            raise ValueError(
                f"the smallest value of a cascade must be more than 0 USD, not {self.min_value_usd}"
            )
        if not 0 <= self.allowed_lateness_seconds <= MAX_WINDOW_SECONDS:
            raise ValueError(
                f"the allowed lateness must be 0 to {MAX_WINDOW_SECONDS} seconds, "
                f"not {self.allowed_lateness_seconds}"
            )

    @property
    def window_ms(self) -> int:
        """The window in milliseconds."""
        return self.window_seconds * MILLISECONDS

    @property
    def reach_ms(self) -> int:
        """How far behind its asset's clock an event may be and still take part."""
        return self.window_ms + self.allowed_lateness_seconds * MILLISECONDS

    @property
    def idle_after_ms(self) -> int:
        """Silence after which nothing that is known of an asset can matter."""
        return self.reach_ms + self.window_ms + REPEAT_MEMORY_MS

    @property
    def min_value_micro_usd(self) -> int:
        """The value threshold in millionths of a dollar."""
        return micro_usd(self.min_value_usd)

    @property
    def identity(self) -> str:
        """The algorithm and a digest of the values: equal if and only if alerts would be."""
        values = (
            self.window_seconds,
            self.min_events,
            self.min_value_micro_usd,
            self.allowed_lateness_seconds,
        )
        digest = sha256("|".join(map(str, values)).encode()).hexdigest()
        return f"{ALGORITHM}:{digest[:8]}"
