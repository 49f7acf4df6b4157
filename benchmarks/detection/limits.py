"""Limits on figures, with a sentence for each missed limit."""

from collections.abc import Iterable
from typing import NamedTuple


class Limit(NamedTuple):
    """A figure and its bounds; None means no bound."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def is_missed(self) -> bool:
        """Whether the figure is out of bounds, which NaN always is."""
        above = self.least is None or self.value >= self.least
        below = self.most is None or self.value <= self.most
        return not (above and below)

    def __str__(self) -> str:
        """Return figure and bounds as a sentence."""
        bounds = [f"at least {self.least:g}"] if self.least is not None else []
        bounds += [f"at most {self.most:g}"] if self.most is not None else []
        return f"{self.name} is {self.value:.3f}, must be {' and '.join(bounds)}"


def missed(limits: Iterable[Limit]) -> list[str]:
    """Return a sentence for each limit that is missed."""
    return [str(limit) for limit in limits if limit.is_missed]
