"""What one second of the log brought to one side of an asset: the market-wide lane's input."""

from typing import NamedTuple

from liq.processors.cascades.ring import Top
from liq.schemas.vocabulary import Side

Slice = tuple[int, int, int]
"""What a tick brought to one second of event time: that second, liquidations, cents."""


class Beat(NamedTuple):
    """What a tick brought to one side of an asset. `top` is its largest: minus cents, event id."""

    base: str
    side: Side
    tick: int
    slices: tuple[Slice, ...]
    exchanges: tuple[str, ...]
    complete: int
    top: Top


class News:
    """A beat in the making; the order in which liquidations are added does not matter."""

    __slots__ = ("complete_ms", "exchanges", "slices", "top")

    def __init__(self) -> None:
        """Nothing yet."""
        self.slices: dict[int, Slice] = {}
        self.exchanges: set[str] = set()
        self.complete_ms: list[int] = []
        self.top: Top = (0, "")

    def add(self, second: int, cents: int, exchange: str, top: Top) -> None:
        """Take a liquidation in, under the second at which the detector places it."""
        held = self.slices.get(second)
        self.slices[second] = (
            (second, 1, cents) if held is None else (second, held[1] + 1, held[2] + cents)
        )
        self.exchanges.add(exchange)
        self.top = min(self.top, top)

    def beat(self, base: str, side: Side, tick: int) -> Beat:
        """The finished beat."""
        return Beat(
            base,
            side,
            tick,
            tuple(sorted(self.slices.values())),
            tuple(sorted(self.exchanges)),
            len(self.complete_ms),
            self.top,
        )
