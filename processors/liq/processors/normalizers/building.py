"""Fast construction of `Liquidation` records.

The constructor of a frozen dataclass assigns each field with `object.__setattr__`, which took a
third of a frame's time. A draft has the same slots with plain assignment. Assigning its `__class__`
turns the finished draft into a `Liquidation`; Python allows that between classes of equal slots
only.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from liq.schemas.records import Liquidation


class _Draft(Liquidation):
    __slots__ = ()
    __setattr__ = object.__setattr__
    # Never used, but Python assigns slowly if a class overrides only one of the two.
    __delattr__ = object.__delattr__


# Create an empty draft. Assign every field, then `draft.__class__ = Liquidation` to finish it. A
# Python function for either step would take as long as ten fields.
new_draft: Final[Callable[[], Any]] = partial(object.__new__, _Draft)
