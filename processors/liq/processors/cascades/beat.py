"""The input of the market's lanes: one side of an asset in one second of the log."""

from typing import NamedTuple

from liq.processors.cascades.ring import Top
from liq.schemas.vocabulary import Side

Slice = tuple[int, int, int]
"""The liquidations of a tick in one second of event time: that second, their number, cents."""


class Beat(NamedTuple):
    """The liquidations of one side of an asset in a tick.

    `complete` counts those of complete feeds. `top` is the largest: minus cents, event id. `blind`
    are the venues that were blind.
    """

    base: str
    side: Side
    tick: int
    slices: tuple[Slice, ...]
    exchanges: tuple[str, ...]
    complete: int
    top: Top
    blind: tuple[str, ...] = ()


class News:
    """A builder of a beat; the order in which liquidations are added does not matter."""

    __slots__ = ("complete_ms", "exchanges", "slices", "top")

    def __init__(self) -> None:
        """Start without liquidations."""
        self.slices: dict[int, Slice] = {}
        self.exchanges: set[str] = set()
        self.complete_ms: list[int] = []
        self.top: Top = (0, "")

    def add(self, second: int, cents: int, exchange: str, top: Top) -> None:
        """Count a liquidation under the second that the detector assigned to it."""
        held = self.slices.get(second)
        self.slices[second] = (
            (second, 1, cents) if held is None else (second, held[1] + 1, held[2] + cents)
        )
        self.exchanges.add(exchange)
        if top < self.top:  # noqa: PLR1730 - on the hot path
            self.top = top

    def beat(self, base: str, side: Side, tick: int, blind: tuple[str, ...]) -> Beat:
        """Return the finished beat."""
        return Beat(
            base,
            side,
            tick,
            tuple(sorted(self.slices.values())),
            tuple(sorted(self.exchanges)),
            len(self.complete_ms),
            self.top,
            blind,
        )
