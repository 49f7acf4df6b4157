"""Building `Liquidation` records at the rate of the feeds.

A frozen dataclass of two dozen fields assigns each through `object.__setattr__`, which took a third
of a frame's time. A draft is a liquidation whose fields can still be assigned plainly; the finished
draft is made a `Liquidation`, which Python allows between classes of the same slots, and refuses
otherwise.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from liq.schemas.records import Liquidation


class _Draft(Liquidation):
    __slots__ = ()
    __setattr__ = object.__setattr__
    # Never used, but Python assigns slowly where only one of the two is its own.
    __delattr__ = object.__delattr__


# Give an empty draft, every field of which is to be assigned; `draft.__class__ = Liquidation`
# finishes it. Neither step is a function of Python's, which would take as long as ten fields.
new_draft: Final[Callable[[], Any]] = partial(object.__new__, _Draft)
