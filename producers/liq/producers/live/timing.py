"""How long a live producer waits for what, in one place; tests bring shorter times.

Pings, silence and lifetimes differ from feed to feed: each declares its own (`feeds.feed`).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times in seconds.

    `acknowledge`: a subscription without an answer for so long counts as refused.
    `first_backoff`, `last_backoff`: between attempts, doubling from the first to the last.
    `stable`: a connection that lasted so long was no failure.
    `breaker`, `last_breaker`: how long an open breaker leaves an exchange alone, doubling likewise.
    `overlap`: a replaced connection goes on for so long beside its successor.
    `refused_retry`: refused names are asked for again after so long.
    `relist`: markets are listed again after so long.
    """

    acknowledge: float = 10.0
    first_backoff: float = 1.0
    last_backoff: float = 32.0
    stable: float = 60.0
    breaker: float = 60.0
    last_breaker: float = 300.0
    overlap: float = 2.0
    refused_retry: float = 3_600.0
    relist: float = 900.0


DEFAULT_TIMING: Final = Timing()
