"""What happens in the synthetic market, before any venue publishes it."""

from typing import NamedTuple

from liq.schemas.vocabulary import Side


class TrueLiquidation(NamedTuple):
    """One forced closure at `second` of the day.

    `family` names what it belongs to: a background family (an immigrant and its offspring), a
    planted cascade or a decoy.
    """

    second: float
    base: str
    side: Side
    cents: int
    venue: str
    family: int
