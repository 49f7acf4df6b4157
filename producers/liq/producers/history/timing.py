"""Retries and waits of requests to histories; tests use shorter times."""

from dataclasses import dataclass
from typing import Final

from liq.runtime.retry import BackoffPolicy, BreakerPolicy

BACKOFF: Final = BackoffPolicy(first_seconds=1.0, longest_seconds=32.0, shortest_seconds=0.5)
BREAKER: Final = BreakerPolicy(
    failures_to_open=3, first_pause_seconds=60.0, longest_pause_seconds=300.0
)
LIMITED: Final = BackoffPolicy(first_seconds=10.0, longest_seconds=300.0, shortest_seconds=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTiming:
    """Times in seconds.

    Attributes:
        attempts: The number of attempts per request.
        backoff: The waits between attempts without an answer.
        limited: The waits after a rate limit's answer, if longer than the venue's stated pause.
        breaker: The pauses of the polls of a venue that does not answer.
        rounds: The number of times that a repair starts at a venue that does not answer.
        round_seconds: The wait between two rounds; it doubles.
        delay_scale: The factor of the declarations' delays.
        limit_scale: The factor of the venues' limits' times.
    """

    attempts: int = 6
    backoff: BackoffPolicy = BACKOFF
    limited: BackoffPolicy = LIMITED
    breaker: BreakerPolicy = BREAKER
    rounds: int = 5
    round_seconds: float = 120.0
    delay_scale: float = 1.0
    limit_scale: float = 1.0


DEFAULT_TIMING: Final = HistoryTiming()
