"""Every time limit of a live producer, in one place; tests use shorter times.

Pings, silence and lifetimes differ from feed to feed: each declares its own (`feeds.spec`).
"""

from dataclasses import dataclass
from typing import Final

from liq.runtime.retry import BackoffPolicy, BreakerPolicy

BACKOFF: Final = BackoffPolicy(first_seconds=1.0, longest_seconds=32.0, shortest_seconds=1.0)
BREAKER: Final = BreakerPolicy(
    failures_to_open=6, first_pause_seconds=60.0, longest_pause_seconds=300.0
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times in seconds, and the policies of retries.

    `acknowledge`: a subscription without an answer for so long counts as refused.
    `backoff`: the waits between attempts.
    `stable`: a connection that lasted so long was not a failure.
    `breaker`: when an exchange is left alone, and for how long.
    `overlap`: a replaced connection goes on for so long beside its successor.
    `refused_retry`: the connection subscribes to refused names again after so long.
    `relist`: markets are listed again after so long.
    `peers`: Kafka is asked so often whether other exchanges publish.
    """

    acknowledge: float = 10.0
    backoff: BackoffPolicy = BACKOFF
    stable: float = 60.0
    breaker: BreakerPolicy = BREAKER
    overlap: float = 2.0
    refused_retry: float = 3_600.0
    relist: float = 900.0
    peers: float = 30.0


DEFAULT_TIMING: Final = Timing()
