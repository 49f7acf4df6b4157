"""The intervals of listings of contracts, and the time limits of waiting frames."""

from dataclasses import dataclass
from typing import Final

from liq.runtime.retry import BackoffPolicy

BACKOFF: Final = BackoffPolicy(first_seconds=30.0, longest_seconds=900.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTiming:
    """Times in seconds.

    Attributes:
        listing_seconds: The interval between regular listings of a venue.
        ask_seconds: The least interval between listings that parked frames cause.
        backoff: The waits after failed listings.
        give_up_seconds: The longest wait of a frame for a venue that does not answer.
        give_up_listings: A frame stops waiting after this many listings without its contract.
    """

    listing_seconds: float = 3_600.0
    ask_seconds: float = 60.0
    backoff: BackoffPolicy = BACKOFF
    give_up_seconds: float = 900.0
    give_up_listings: int = 3


DEFAULT_TIMING: Final = ReferenceTiming()
