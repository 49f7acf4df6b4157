"""How often venues are asked for their contracts, and how long frames wait for them."""

from dataclasses import dataclass
from typing import Final

from liq.runtime.retry import BackoffPolicy

BACKOFF: Final = BackoffPolicy(first_seconds=30.0, longest_seconds=900.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTiming:
    """Times in seconds.

    Attributes:
        listing_seconds: From one regular listing of a venue to the next.
        ask_seconds: The least time between two listings of a venue that parked frames ask for.
        backoff: The waits after listings that failed.
        give_up_seconds: A frame waits no longer for a venue that does not answer.
        give_up_listings: Nor for a contract that so many listings in a row do not have.
    """

    listing_seconds: float = 3_600.0
    ask_seconds: float = 60.0
    backoff: BackoffPolicy = BACKOFF
    give_up_seconds: float = 900.0
    give_up_listings: int = 3


DEFAULT_TIMING: Final = ReferenceTiming()
