"""What one second of the log brought to one side of an asset: the market-wide lane's input."""

from typing import NamedTuple

from processors.cascades.observation import Observation
from schemas.vocabulary import Side


class Slice(NamedTuple):
    """What a tick brought to one second of event time."""

    second: int
    events: int
    cents: int


class Beat(NamedTuple):
    """What a tick brought to one side of an asset. `top` is its largest: minus cents, event id."""

    base: str
    side: Side
    tick: int
    slices: tuple[Slice, ...]
    exchanges: tuple[str, ...]
    complete: int
    top: tuple[int, str]


class News:
    """A beat in the making; the order in which liquidations are added does not matter."""

    __slots__ = ("complete_ms", "exchanges", "slices", "top")

    def __init__(self) -> None:
        """Nothing yet."""
        self.slices: dict[int, tuple[int, int]] = {}
        self.exchanges: set[str] = set()
        self.complete_ms: list[int] = []
        self.top: tuple[int, str] = (0, "")

    def add(self, second: int, event: Observation, timestamp_ms: int) -> None:
        """Take a liquidation in, under the second at which the detector places it."""
        count, cents = self.slices.get(second, (0, 0))
        self.slices[second] = count + 1, cents + event.cents
        self.exchanges.add(event.exchange)
        if event.is_complete:
            self.complete_ms.append(timestamp_ms)
        top = (-event.cents, event.event_id)
        self.top = min(self.top, top)

    def beat(self, base: str, side: Side, tick: int) -> Beat:
        """The finished beat."""
        return Beat(
            base,
            side,
            tick,
            tuple(Slice(second, *sums) for second, sums in sorted(self.slices.items())),
            tuple(sorted(self.exchanges)),
            len(self.complete_ms),
            self.top,
        )
