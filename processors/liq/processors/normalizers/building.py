"""Building `Liquidation` records at the rate of the feeds.

A frozen dataclass of two dozen fields assigns each through `object.__setattr__`, which took a third
of a frame's time. A draft is a liquidation whose fields can still be assigned plainly; the finished
draft is made a `Liquidation`, which Python allows between classes of the same slots, and refuses
otherwise.
"""

from typing import Any

from liq.schemas.records import Liquidation


class _Draft(Liquidation):
    __slots__ = ()
    __setattr__ = object.__setattr__
    # Never used, but Python assigns slowly where only one of the two is its own.
    __delattr__ = object.__delattr__


def new_draft() -> Any:
    """An empty draft, every field of which is to be assigned."""
    return object.__new__(_Draft)


def finished(draft: Any) -> Liquidation:
    """Freeze a draft."""
    draft.__class__ = Liquidation
    liquidation: Liquidation = draft
    return liquidation
