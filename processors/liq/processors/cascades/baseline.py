"""The normal rate of a lane, learned from its own calm hours.

Cells and dollars a second decay exponentially; the rate starts from a prior:

    rate = (A exp(-(t - t_A) / tau) + prior_rate T0) / (tau (1 - exp(-(t - t_first) / tau)) + T0)

`A` gains the weight of every finished ten-second block, winsorised so that one burst cannot make
the next one look normal. It gains nothing while a cascade is open. Dollars and the clustering of
cells are learned in the same way with a longer memory, because their tails are heavy.

The baseline also tracks the recent rate, over the last quarter of an hour: of all blocks, cascades
included, without a cap. The recent rate limits the duration of a cascade. It is also the normal
rate of an unsettled lane. A lane is unsettled after a cascade that ended because its level had
become the usual one, until its own rate has come up to the recent rate.
"""

from math import exp
from typing import Final

from liq.processors.cascades.ring import CELL_TENTHS
from liq.schemas.units import HOUR_SECONDS

BLOCK_SECONDS = 10
# The prior weighs as much as one observed hour.
PRIOR_SECONDS = 3_600.0
# A block counts at most this many cells, or this many times what was normal in it.
BLOCK_CELLS, BLOCK_MULTIPLE = 3.0, 5.0
# The memory of dollars and clustering, as a multiple of the rate's.
LONG_MEMORY = 8.0
# The prior of a lane's clustering: mean square of a busy block's weighted cells over their mean.
# It weighs PRIOR_CELLS cells. A block counts at most CLUSTER_CELLS. Limits are multiples of usual.
USUAL_CLUSTERING = 1.7
PRIOR_CELLS = 40.0
CLUSTER_CELLS = 10.0
LEAST_CLUSTERING, MOST_CLUSTERING = 0.5, 1.25
# The memory of the recent rate, and its greatest ratio to the own rate in a settled lane.
RECENT_SECONDS: Final = 900.0
SETTLED_MULTIPLE: Final = 1.5


class Baseline:
    """The normal rate of one lane, in cells and in dollars, and how its cells cluster."""

    __slots__ = (
        "block",
        "block_all_tenths",
        "block_cents",
        "block_tenths",
        "first_second",
        "held",
        "held_at",
        "held_cells",
        "held_cents",
        "held_squares",
        "is_unsettled",
        "recent",
        "recent_at",
    )

    def __init__(self) -> None:
        """Start without observations."""
        self.first_second = 0
        self.held = 0.0
        self.held_cents = 0.0
        self.held_cells = self.held_squares = 0.0
        self.held_at = 0
        self.block = 0
        self.block_tenths = 0
        self.block_cents = 0
        self.block_all_tenths = 0
        self.recent = 0.0
        self.recent_at = 0
        self.is_unsettled = False

    def rate(self, now: int, prior_rate: float, memory_seconds: float) -> float:
        """Return the normal cells a second at the second `now`."""
        own = self._own_rate(now, prior_rate, memory_seconds)
        return max(own, self.recent_rate(now)) if self.is_unsettled else own

    def recent_rate(self, now: int) -> float:
        """Return the cells a second of the last quarter of an hour, cascades included."""
        return self.recent * exp((self.recent_at - now) / RECENT_SECONDS) / RECENT_SECONDS

    def _own_rate(self, now: int, prior_rate: float, memory_seconds: float) -> float:
        """Return the calm rate in cells a second; the prior before the first observation."""
        if not self.first_second:
            return prior_rate
        held = self.held * exp((self.held_at - now) / memory_seconds)
        seen = memory_seconds * (1 - exp((self.first_second - now) / memory_seconds))
        return (held + prior_rate * PRIOR_SECONDS) / (seen + PRIOR_SECONDS)

    def hourly_cents(self, now: int, memory_seconds: float, lately_cents: int = 0) -> float:
        """Return the cents of a normal hour, without the `lately_cents` among those learned.

        Returns 0 before the first observation.
        """
        if not self.first_second:
            return 0.0
        memory = LONG_MEMORY * memory_seconds
        held = max(0.0, self.held_cents * exp((self.held_at - now) / memory) - lately_cents)
        seen = memory * (1 - exp((self.first_second - now) / memory))
        return held * HOUR_SECONDS / (seen + PRIOR_SECONDS)

    def learn(  # noqa: PLR0913 - what a tick brought, and how it counts
        self,
        now: int,
        tenths: int,
        cents: int,
        prior_rate: float,
        memory_seconds: float,
        *,
        most_cents: int,
        is_calm: bool,
    ) -> None:
        """Count the cells (tenths) and cents of a tick; a block is learned when a later one begins.

        A block contributes at most `most_cents`. Where `is_calm` is false, only the recent rate
        learns.
        """
        block = now // BLOCK_SECONDS
        if block != self.block:
            if self.block_all_tenths:
                self._finish_block(prior_rate, memory_seconds, most_cents)
            self.block = block
            if not self.first_second:
                self.first_second = now
        self.block_all_tenths += tenths
        if is_calm:
            self.block_tenths += tenths
            self.block_cents += cents

    def forget_block(self) -> None:
        """Exclude the current block from the calm rate, because it belongs to a cascade."""
        self.block_tenths = self.block_cents = 0

    def unsettle(self) -> None:
        """Use the recent rate as the normal rate until the lane's own has come up to it."""
        self.is_unsettled = True

    def _finish_block(self, prior_rate: float, memory_seconds: float, most_cents: int) -> None:
        end = (self.block + 1) * BLOCK_SECONDS
        if self.block_tenths:
            self._learn_calm(end, prior_rate, memory_seconds, most_cents)
        kept = exp((self.recent_at - end) / RECENT_SECONDS)
        self.recent = self.recent * kept + self.block_all_tenths / CELL_TENTHS
        self.recent_at = end
        self.block_all_tenths = 0
        if self.is_unsettled:
            own = self._own_rate(end, prior_rate, memory_seconds)
            self.is_unsettled = self.recent_rate(end) > SETTLED_MULTIPLE * own

    def _learn_calm(
        self, end: int, prior_rate: float, memory_seconds: float, most_cents: int
    ) -> None:
        cells = self.block_tenths / CELL_TENTHS
        clustered = min(cells, CLUSTER_CELLS)
        # The limit is never below BLOCK_CELLS, and most blocks have fewer cells.
        if cells > BLOCK_CELLS:
            normal = self.rate(end, prior_rate, memory_seconds) * BLOCK_SECONDS
            cells = min(cells, max(BLOCK_CELLS, BLOCK_MULTIPLE * normal))
        passed = (self.held_at - end) / memory_seconds
        self.held = self.held * exp(passed) + cells
        kept = exp(passed / LONG_MEMORY)
        self.held_cents = self.held_cents * kept + min(self.block_cents, most_cents)
        self.held_cells = self.held_cells * kept + clustered
        self.held_squares = self.held_squares * kept + clustered * clustered
        self.held_at = end
        self.block_tenths = self.block_cents = 0


def clustering(one: Baseline, other: Baseline) -> float:
    """Return how much the calm cells of an asset's two sides cluster, relative to a typical lane.

    Clustering is the mean square of a busy ten-second block's cells over their mean: near one for
    isolated cells, more for families of cells.
    """
    cells = one.held_cells + other.held_cells + PRIOR_CELLS
    squares = one.held_squares + other.held_squares + PRIOR_CELLS * USUAL_CLUSTERING
    return min(MOST_CLUSTERING, max(LEAST_CLUSTERING, squares / cells / USUAL_CLUSTERING))
