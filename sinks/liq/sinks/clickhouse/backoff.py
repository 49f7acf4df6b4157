"""Waiting between attempts, ever longer and never in step with others."""

import random
from dataclasses import dataclass

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 10.0


@dataclass(slots=True)
class Backoff:
    """Doubles from a quarter of a second to ten; each wait is 50 to 100 % of that."""

    attempts: int = 0

    def next_seconds(self) -> float:
        """How long to wait before the next attempt."""
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """Start again from the shortest wait."""
        self.attempts = 0
