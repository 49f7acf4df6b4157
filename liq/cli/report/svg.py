"""Drawing: scales, axes and the few SVG elements of the charts."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

MARGIN_LEFT = 70
MARGIN_RIGHT = 16
MARGIN_TOP = 10
MARGIN_BOTTOM = 26
# Wider pictures are unreadable on a phone if they are scaled to its width.
WIDE = 700


@dataclass(slots=True)
class Drawing:
    """An SVG picture of `width` by `height` units that scales with the page.

    Colours are classes of the page's style sheet, so that they adapt to light and dark mode.
    """

    width: float
    height: float
    label: str
    parts: list[str] = field(default_factory=list)

    @property
    def plot_width(self) -> float:
        """The width between the margins."""
        return self.width - MARGIN_LEFT - MARGIN_RIGHT

    @property
    def bottom(self) -> float:
        """The y coordinate of the time axis."""
        return self.height - MARGIN_BOTTOM

    def rect(  # noqa: PLR0913, PLR0917 - a rectangle has four sides, a class and a tooltip
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        title: str = "",
        **more: str,
    ) -> None:
        """Add a filled rectangle; `title` is its tooltip."""
        attributes = "".join(f' {name}="{escape(text)}"' for name, text in more.items())
        inner = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}"'
            f' height="{max(height, 0):.1f}"{attributes}>{inner}</rect>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> None:
        """Add a straight line."""
        self.parts.append(
            f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def path(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Add a line through points."""
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{text}"/>')

    def dot(self, x: float, y: float, kind: str, title: str) -> None:
        """Add a point with a tooltip."""
        self.parts.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3">'
            f"<title>{escape(title)}</title></circle>"
        )

    def text(self, x: float, y: float, content: str, anchor: str = "middle") -> None:
        """Add a label; `anchor` is start, middle or end."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
        )

    def markup(self) -> str:
        """Return the picture as an element of the page; a wide one scrolls sideways on a phone."""
        kind = "wide" if self.width > WIDE else "narrow"
        return (
            f'<div class="scroll {kind}" tabindex="0">'
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img"'
            f' aria-label="{escape(self.label)}">{"".join(self.parts)}</svg>'
            "</div>"
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map of values from `low` to `high` to coordinates from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value."""
        if self.high == self.low:
            return self.start
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers from `low` to `high`."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def every_nth(length: int, wanted: int) -> range:
    """Return the indexes of about `wanted` of `length` labels, evenly spread."""
    return range(0, length, max(1, math.ceil(length / wanted)))
