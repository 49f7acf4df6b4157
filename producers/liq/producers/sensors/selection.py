"""Selection of the accounts whose fills prove the most dollars of liquidations.

The input is makers' fills against liquidations, from a node's files or from the makers' own public
histories. Without amplification an account proves its own fills. With amplification, one fill
proves the whole order, so accounts overlap: the next account is the one that adds most to those
before it. This greedy choice proves at least 63 % of the optimum (coverage is submodular).
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class MakerFill:
    """A maker's fill against the order of a liquidated account, in dollars."""

    maker: str
    order: Hashable
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selected account, and the dollars that it adds to the accounts before it."""

    account: str
    usd: Decimal


def choose_sensors(
    fills: Iterable[MakerFill],
    count: int,
    *,
    is_amplified: bool,
    weights: Mapping[str, Decimal] | None = None,
) -> tuple[Chosen, ...]:
    """Return at most `count` accounts, the best first; ties are sorted by name.

    `weights` multiply what an account adds, for example by an hour over the time that it was
    observed. An account without a weight counts once.
    """
    factor = weights or {}
    dollars: defaultdict[Hashable, Decimal] = defaultdict(lambda: ZERO)
    proven_by: defaultdict[str, set[Hashable]] = defaultdict(set)
    for number, fill in enumerate(fills):
        what = fill.order if is_amplified else number
        dollars[what] += fill.usd
        proven_by[fill.maker].add(what)
    chosen: list[Chosen] = []
    while len(chosen) < count and proven_by:
        gains = {
            name: sum((dollars[what] for what in proven), ZERO) * factor.get(name, ONE)
            for name, proven in proven_by.items()
        }
        best = min(gains, key=lambda name: (-gains[name], name))
        if gains[best] <= 0:
            break
        chosen.append(Chosen(best, gains[best]))
        proven = proven_by.pop(best)
        for others in proven_by.values():
            others.difference_update(proven)
    return tuple(chosen)
