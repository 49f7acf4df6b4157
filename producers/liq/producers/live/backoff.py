"""How long to wait between attempts: twice as long each time, with jitter, up to a limit."""

import random
from typing import Final

from liq.producers.live.timing import DEFAULT_TIMING, Timing

_MAX_DOUBLINGS: Final = 30


def backoff_seconds(
    failures: int, random_source: random.Random, timing: Timing = DEFAULT_TIMING
) -> float:
    """The wait after the given number of failures in a row (1 or more).

    Half of it is random, so that producers that lost a venue together do not return together.
    """
    doubled = timing.first_backoff * 2 ** min(failures - 1, _MAX_DOUBLINGS)
    ceiling: float = min(timing.last_backoff, doubled)
    return max(timing.first_backoff, ceiling * (0.5 + random_source.random() / 2))
