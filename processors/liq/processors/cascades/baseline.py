"""What is normal for a lane, learned from its own calm hours.

Cells and dollars a second are forgotten exponentially; the rate starts from a prior:

    rate = (A exp(-(t - t_A) / tau) + prior_rate T0) / (tau (1 - exp(-(t - t_first) / tau)) + T0)

`A` gains the weight of every finished ten-second block, winsorised so that one burst cannot make
the next one look normal, and nothing while a cascade is open. Dollars are learned in the same way
with a longer memory, for their tails are heavy; so is how much the cells of a lane cluster.
"""

from math import exp

from liq.processors.cascades.ring import CELL_TENTHS
from liq.schemas.units import HOUR_SECONDS

BLOCK_SECONDS = 10
# The prior counts as much as one hour of looking.
PRIOR_SECONDS = 3_600.0
# A block counts at most this many cells, or this many times what was normal in it.
BLOCK_CELLS, BLOCK_MULTIPLE = 3.0, 5.0
BLOCK_CENTS = 2_000_000
# Dollars and clustering are remembered so many times longer than the rate.
LONG_MEMORY = 8.0
# The mean square of a busy block's weighted cells over their mean, in a typical lane; the cells
# that this prior is worth; how many of a block count; how far a lane may lie from the typical.
USUAL_CLUSTERING = 1.7
PRIOR_CELLS = 40.0
CLUSTER_CELLS = 10.0
LEAST_CLUSTERING, MOST_CLUSTERING = 0.5, 1.25


class Baseline:
    """The normal rate of one lane, in cells and in dollars, and how its cells cluster."""

    __slots__ = (
        "block",
        "block_cents",
        "block_tenths",
        "first_second",
        "held",
        "held_at",
        "held_cells",
        "held_cents",
        "held_squares",
    )

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.first_second = 0
        self.held = 0.0
        self.held_cents = 0.0
        self.held_cells = self.held_squares = 0.0
        self.held_at = 0
        self.block = 0
        self.block_tenths = 0
        self.block_cents = 0

    def rate(self, now: int, prior_rate: float, memory_seconds: float) -> float:
        """Cells a second that are normal at a second; the prior where nothing was seen."""
        if not self.first_second:
            return prior_rate
        held = self.held * exp((self.held_at - now) / memory_seconds)
        seen = memory_seconds * (1 - exp((self.first_second - now) / memory_seconds))
        return (held + prior_rate * PRIOR_SECONDS) / (seen + PRIOR_SECONDS)

    def hourly_cents(self, now: int, memory_seconds: float) -> float:
        """Cents that a normal hour brings; 0 where nothing was seen."""
        if not self.first_second:
            return 0.0
        memory = LONG_MEMORY * memory_seconds
        held = self.held_cents * exp((self.held_at - now) / memory)
        seen = memory * (1 - exp((self.first_second - now) / memory))
        return held * HOUR_SECONDS / (seen + PRIOR_SECONDS)

    def learn(
        self, now: int, tenths: int, cents: int, prior_rate: float, memory_seconds: float
    ) -> None:
        """Take in what a tick brought; a block counts when a later one begins."""
        block = now // BLOCK_SECONDS
        if block != self.block:
            if self.block_tenths:
                self._finish_block(prior_rate, memory_seconds)
            self.block = block
            if not self.first_second:
                self.first_second = now
        self.block_tenths += tenths
        self.block_cents += cents

    def forget_block(self) -> None:
        """Leave out the block at hand: it belongs to a cascade."""
        self.block_tenths = self.block_cents = 0

    def _finish_block(self, prior_rate: float, memory_seconds: float) -> None:
        end = (self.block + 1) * BLOCK_SECONDS
        cells = self.block_tenths / CELL_TENTHS
        clustered = min(cells, CLUSTER_CELLS)
        # The limit is never below BLOCK_CELLS, and most blocks hold less.
        if cells > BLOCK_CELLS:
            normal = self.rate(end, prior_rate, memory_seconds) * BLOCK_SECONDS
            cells = min(cells, max(BLOCK_CELLS, BLOCK_MULTIPLE * normal))
        passed = (self.held_at - end) / memory_seconds
        self.held = self.held * exp(passed) + cells
        kept = exp(passed / LONG_MEMORY)
        self.held_cents = self.held_cents * kept + min(self.block_cents, BLOCK_CENTS)
        self.held_cells = self.held_cells * kept + clustered
        self.held_squares = self.held_squares * kept + clustered * clustered
        self.held_at = end
        self.block_tenths = self.block_cents = 0


def clustering(one: Baseline, other: Baseline) -> float:
    """How much the calm cells of an asset's two sides cluster, as a multiple of what is usual.

    The mean square of what ten busy seconds bring over its mean: near one where cells come singly,
    more where they come in families.
    """
    cells = one.held_cells + other.held_cells + PRIOR_CELLS
    squares = one.held_squares + other.held_squares + PRIOR_CELLS * USUAL_CLUSTERING
    return min(MOST_CLUSTERING, max(LEAST_CLUSTERING, squares / cells / USUAL_CLUSTERING))
