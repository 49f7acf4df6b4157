"""The conditions on a lane's three windows that start a cascade, except for its score.

The floor's window starts a cascade by its evidence, ten seconds as a burst, five minutes as a burn.
The dollars of the largest cells or seconds never count, because a single order is no cascade.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import nlargest
from math import exp
from typing import Final

from liq.processors.cascades.baseline import BLOCK_SECONDS, Baseline
from liq.processors.cascades.ring import (
    CELL_TENTHS,
    LONG_SECONDS,
    Bucket,
    Ring,
    cents_of,
    weight_of,
)
from liq.processors.cascades.rules import Burst, LaneRules
from liq.processors.cascades.surprise import LEAST_RATE, Surprise, log_likelihood_ratio

# One order can fill two cells, if its fills cross a half second.
CELLS_OF_AN_ORDER: Final = 2
# An upper bound that keeps `exp` finite; no window has this many hours' dollars.
MOST_EXPONENT: Final = 100.0
# A venue publishes an order's fills one by one. A second with more fills is no single order.
FILLS_OF_AN_ORDER: Final = 1_000
# A lane's normal hour is unknown until the lane has been observed for this long.
KNOWN_SECONDS: Final = 900


def may_start(  # noqa: PLR0913, PLR0917 - a lane's state, its rules, and what was found
    ring: Ring, baseline: Baseline, rules: LaneRules, tick: int, found: Surprise, rate: float
) -> bool:
    """Return whether any of the three windows starts a cascade."""
    if ring.middle_count < rules.floor_events:
        return False
    if ring.middle_cents >= rules.floor_cents:
        if has_evidence(ring, baseline, rules, tick, found.nats):
            return True
        if any(_is_burst(ring, burst, found) for burst in rules.bursts):
            return True
    return _is_burn(ring, baseline, rules, tick, found, rate)


def has_evidence(ring: Ring, baseline: Baseline, rules: LaneRules, tick: int, nats: float) -> bool:
    """Return whether the surprise and the dollars beyond the largest cells reach the threshold.

    The dollars count by how far they exceed a normal hour's. A second with more liquidations than
    an order has fills keeps its largest cells.
    """
    hourly = max(rules.least_hourly_cents, baseline.hourly_cents(tick, rules.memory_seconds))
    missing = rules.start_nats - min(nats, rules.most_nats)
    if not rules.dollar_nats:
        return missing <= 0
    least_cents = hourly * exp(min(MOST_EXPONENT, missing / rules.dollar_nats))
    # A cheap check first: most windows have too few dollars even with the largest cells.
    if ring.middle_cents < least_cents:
        return False
    cells = (
        cents
        for bucket in ring.middle_buckets
        if bucket.count <= FILLS_OF_AN_ORDER
        for cents in bucket.cells.values()
    )
    return ring.middle_cents - sum(nlargest(CELLS_OF_AN_ORDER, cells)) >= least_cents


def is_wide(ring: Ring, rules: LaneRules) -> bool:
    """Return whether enough groups have enough dollars each in the middle window."""
    by_group: Counter[str] = Counter()
    for bucket in ring.middle_buckets:
        for (group, _, _), cents in bucket.cells.items():
            by_group[group] += cents
    heavy = sum(cents >= rules.heavy_cents for cents in by_group.values())
    return heavy >= rules.least_heavy_groups


def is_minority(ring: Ring, other: Ring, least_share: float) -> bool:
    """Return whether this side has less than `least_share` of the window's dollars and cells."""
    cents = ring.middle_cents
    if cents >= least_share * (cents + other.middle_cents):
        return False
    weight, other_weight = weight_of(ring.middle_buckets), weight_of(other.middle_buckets)
    return weight < least_share * (weight + other_weight)


def _is_burst(ring: Ring, burst: Burst, found: Surprise) -> bool:
    if found.quick_nats < burst.nats or ring.middle_cents < burst.middle_cents:
        return False
    buckets = ring.short_buckets
    cells = [cents for bucket in buckets for cents in bucket.cells.values()]
    if len(cells) < burst.cells or sum(cells) - max(cells) < burst.cents:
        return False
    count = sum(bucket.count for bucket in buckets)
    return count >= max(len(cells) + burst.crowd, burst.crowding * len(cells))


def _is_burn(  # noqa: PLR0913, PLR0917 - as above
    ring: Ring, baseline: Baseline, rules: LaneRules, tick: int, found: Surprise, rate: float
) -> bool:
    rule, buckets = rules.burn, ring.buckets
    if rule is None or ring.middle_cents < rule.middle_cents:
        return False
    busiest = nlargest(CELLS_OF_AN_ORDER, (bucket.cents for bucket in buckets))
    beyond = cents_of(buckets) - sum(busiest)
    if beyond < rule.cents or sum(bucket.count for bucket in buckets) < rule.events:
        return False
    if baseline.first_second and tick >= baseline.first_second + KNOWN_SECONDS:
        # The normal hour must not include what these five minutes have contributed to it.
        taught = _taught_cents(buckets, rules.block_cents)
        hourly = baseline.hourly_cents(tick, rules.memory_seconds, lately_cents=taught)
        if beyond >= rule.hours * max(rules.least_hourly_cents, hourly):
            return True
    if found.nats < rule.nats:
        return False
    cells = weight_of(buckets) / CELL_TENTHS
    nats = log_likelihood_ratio(cells, max(rate, LEAST_RATE) * LONG_SECONDS)
    return nats >= rule.nats * rules.dispersion.long


def _taught_cents(buckets: Iterable[Bucket], most_cents: int) -> int:
    """Return the cents that blocks of these seconds contribute to a baseline, capped per block."""
    blocks: Counter[int] = Counter()
    for bucket in buckets:
        blocks[bucket.second // BLOCK_SECONDS] += bucket.cents
    return sum(min(cents, most_cents) for cents in blocks.values())
