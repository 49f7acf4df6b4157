"""Building `Liquidation` records at the rate of the feeds.

A frozen dataclass of two dozen keyword fields assigns each through `object.__setattr__`, which
took a third of a frame's time. A draft has the same slots and assigns them plainly; the finished
draft is then made a `Liquidation`, which Python allows between classes of the same slots, and
refuses otherwise.
"""

from dataclasses import field, fields, make_dataclass
from typing import Any, Final

from schemas.records import Liquidation

# Takes the fields of `Liquidation`, in its order where they are not named.
LiquidationDraft: Final[Any] = make_dataclass(
    "LiquidationDraft",
    [(one.name, one.type, field(default=one.default)) for one in fields(Liquidation)],
    slots=True,
    eq=False,
)


def finished(draft: Any) -> Liquidation:
    """Turn a draft into the frozen record that it has the fields of."""
    draft.__class__ = Liquidation
    liquidation: Liquidation = draft
    return liquidation
