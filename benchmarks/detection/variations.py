"""Other values of the thresholds that decide a trade-off of the detector.

Each variation differs from the released detector in one condition. They show what a target of one
figure costs in the others; `frontier` measures them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.rules import BurnRule, Burst, LaneRules

RELEASED: Final = "as released"
FLOOR_CENTS: Final = 10_000_000
HALF: Final = FLOOR_CENTS // 2
BEYOND_CENTS: Final = 1_500_000


class Decision(StrEnum):
    """The decision that a variation concerns; each has a table."""

    START = "start"
    WATCH = "watch"
    BURN = "burn"


def _unchanged(rules: LaneRules) -> LaneRules:
    return rules


@dataclass(frozen=True, kw_only=True)
class VariedConfig(DetectorConfig):
    """A configuration whose rules of assets' lanes are changed by `change`."""

    change: Callable[[LaneRules], LaneRules] = _unchanged

    def asset_rules(self, asset: str) -> LaneRules:
        """Return the changed rules of an asset's lanes."""
        return self.change(super().asset_rules(asset))


class Variation(NamedTuple):
    """A configuration, named after its difference from the released one; names are unique."""

    decision: Decision | None
    name: str
    config: DetectorConfig


def _start(name: str, *more: Burst, nats: float = DetectorConfig().start_nats) -> Variation:
    """Return a variation of the evidence, which also starts a cascade by ten seconds of `more`."""

    def change(rules: LaneRules) -> LaneRules:
        return replace(rules, bursts=(*rules.bursts, *more))

    return Variation(Decision.START, name, VariedConfig(start_nats=nats, change=change))


def _watch(probability: float) -> Variation:
    config = DetectorConfig(watch_probability=probability)
    return Variation(Decision.WATCH, f"a probability of {probability:.2f}", config)


def _burn(name: str, change_rule: Callable[[BurnRule], BurnRule]) -> Variation:
    """Return a variation of the conditions on five minutes."""

    def change(rules: LaneRules) -> LaneRules:
        return rules if rules.burn is None else replace(rules, burn=change_rule(rules.burn))

    return Variation(Decision.BURN, name, VariedConfig(change=change))


_WIDE: Final = Burst(nats=8, cells=8, cents=BEYOND_CENTS)
_WIDE_AND_LARGE: Final = _WIDE._replace(middle_cents=5 * FLOOR_CENTS // 2)
VARIATIONS: Final = (
    Variation(None, RELEASED, DetectorConfig()),
    *(_start(f"evidence of {nats} nats", nats=nats) for nats in (18, 22, 30)),
    _start("also ten seconds of 8 cells, 8 nats, 2.5 floors", _WIDE_AND_LARGE),
    _start("the same, and evidence of 30 nats", _WIDE_AND_LARGE, nats=30),
    _start("also ten seconds of 8 cells, 8 nats", _WIDE),
    _start("also ten seconds of 8 cells, 5 nats", _WIDE._replace(nats=5)),
    _start("also ten seconds of 5 cells, 5 nats", _WIDE._replace(nats=5, cells=5)),
    *map(_watch, (0.08, 0.12, 0.14, 0.17, 0.20, 0.25)),
    _burn("4 normal hours", lambda rule: rule._replace(hours=4)),
    _burn("7 nats", lambda rule: rule._replace(nats=7)),
    _burn("half a floor, 8 liquidations", lambda rule: rule._replace(cents=HALF, events=8)),
    _burn(
        "half a floor, 8 liquidations, 4 hours",
        lambda rule: rule._replace(cents=HALF, events=8, hours=4),
    ),
)
