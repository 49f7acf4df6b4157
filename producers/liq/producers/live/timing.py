"""The time limits of a live producer; tests use shorter ones.

Pings, silence and lifetimes differ between feeds, so each feed declares its own (`feeds.spec`).
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

    `acknowledge`: a subscription without an answer for this long counts as refused.
    `backoff`: the waits between attempts.
    `stable`: a connection that lasted this long does not count as a failure.
    `breaker`: the pauses after repeated failures of an exchange.
    `overlap`: how long a replaced connection continues beside its successor.
    `refused_retry`: the wait before a connection subscribes to refused names again.
    `relist`: the interval between listings of markets.
    `sensors`: the interval between requests of an account's public fills.
    `sensor_dwell`: how long a selected account is followed at least.
    `peers`: the interval between checks for frames of other exchanges in Kafka.
    """

    acknowledge: float = 10.0
    backoff: BackoffPolicy = BACKOFF
    stable: float = 60.0
    breaker: BreakerPolicy = BREAKER
    overlap: float = 2.0
    refused_retry: float = 3_600.0
    relist: float = 900.0
    sensors: float = 15.0
    sensor_dwell: float = 600.0
    peers: float = 30.0


DEFAULT_TIMING: Final = Timing()
