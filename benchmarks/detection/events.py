"""The true liquidations of the synthetic market, before any venue publishes them."""

from typing import NamedTuple

from liq.schemas.vocabulary import Side


class TrueLiquidation(NamedTuple):
    """A forced closure at `second` of the day.

    `family` identifies its group: a background family (an immigrant and its offspring), a planted
    cascade or a decoy.
    """

    second: float
    base: str
    side: Side
    cents: int
    venue: str
    family: int
