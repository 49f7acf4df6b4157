"""How long to wait between attempts: twice as long each time, with jitter, up to 32 seconds."""

import random
from typing import Final

FIRST_SECONDS: Final = 1.0
LAST_SECONDS: Final = 32.0
_MAX_DOUBLINGS: Final = 5


def backoff_seconds(failures: int, random_source: random.Random) -> float:
    """The wait after the given number of failures in a row (1 or more).

    Half of it is random, so that producers that lost a venue together do not return together.
    """
    ceiling: float = min(LAST_SECONDS, FIRST_SECONDS * 2 ** min(failures - 1, _MAX_DOUBLINGS))
    return max(FIRST_SECONDS, ceiling * (0.5 + random_source.random() / 2))
