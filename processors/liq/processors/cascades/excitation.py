"""How much of a lane's flow triggers itself: an online self-excitation gauge.

A Hawkes process with two exponential kernels (half a second and eight seconds), fitted by an
online form of expectation-maximisation: every liquidation is ascribed in part to the background
and in part to each kernel, and the branching ratios follow those shares. Two numbers a kernel and
the background's rate are all its state.

Only complete feeds may be fed to it: a venue that publishes one liquidation a second hides the
short-scale clustering and pulls the branching ratio down by 0.15 to 0.2. And a shock from outside
that rises quickly looks like self-excitation to it.
"""

from math import exp

from liq.schemas.vocabulary import NoBranching

FAST_SECONDS, SLOW_SECONDS = 0.5, 8.0
LEARNING_RATE = 1 / 200
BACKGROUND_MEMORY_SECONDS = 21_600.0
# What is assumed before anything was seen: a little of both kernels, six background events an hour.
PRIOR_BRANCHING = (0.25, 0.25)
PRIOR_BACKGROUND, PRIOR_SECONDS = 6.0, 3_600.0
# Below so many liquidations the ratio says more about the prior than about the lane.
LEAST_EVENTS = 50


class Excitation:
    """The gauge of one lane. Times are seconds and never go back."""

    __slots__ = (
        "background",
        "events",
        "exposure",
        "fast_branching",
        "fast_memory",
        "last",
        "slow_branching",
        "slow_memory",
    )

    def __init__(self) -> None:
        """Start from the priors."""
        self.fast_branching, self.slow_branching = PRIOR_BRANCHING
        self.fast_memory = self.slow_memory = 0.0
        self.background = PRIOR_BACKGROUND
        self.exposure = PRIOR_SECONDS
        self.last = 0.0
        self.events = 0

    @property
    def ratio(self) -> float | None:
        """Branching ratio: liquidations that one triggers; None before enough were seen."""
        if self.events < LEAST_EVENTS:
            return None
        return self.fast_branching + self.slow_branching

    @property
    def no_ratio(self) -> NoBranching | None:
        """Why there is no branching ratio."""
        if self.events >= LEAST_EVENTS:
            return None
        return NoBranching.TOO_FEW if self.events else NoBranching.NO_COMPLETE_FEED

    def add(self, seconds: float) -> float:
        """Take in a liquidation; gives the probability that no other one triggered it."""
        passed = 0.0
        if seconds > self.last:
            passed = seconds - self.last if self.last else 0.0
            self.last = seconds
        kept = exp(-passed / BACKGROUND_MEMORY_SECONDS)
        background = self.background * kept
        exposure = self.exposure * kept + BACKGROUND_MEMORY_SECONDS * (1 - kept)
        fast = self.fast_memory * exp(-passed / FAST_SECONDS)
        slow = self.slow_memory * exp(-passed / SLOW_SECONDS)
        background_rate = background / exposure
        fast_rate = self.fast_branching * fast / FAST_SECONDS
        slow_rate = self.slow_branching * slow / SLOW_SECONDS
        total = background_rate + fast_rate + slow_rate
        spontaneous = background_rate / total
        self.fast_branching += LEARNING_RATE * (fast_rate / total - self.fast_branching)
        self.slow_branching += LEARNING_RATE * (slow_rate / total - self.slow_branching)
        self.fast_memory, self.slow_memory = fast + 1, slow + 1
        self.background, self.exposure = background + spontaneous, exposure
        self.events += 1
        return spontaneous
