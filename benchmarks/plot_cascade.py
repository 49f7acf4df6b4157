"""A picture of a recorded cascade with the detector's records: docs/images/cascade-2026-07-10.svg.

    python benchmarks/plot_cascade.py

Bars are the dollars of each second, the line joins the surprises in the records, and the marks are
the records for a user.
"""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import MILLISECOND_NS, SECOND_MS
from liq.schemas.vocabulary import AlertType, Side

ROOT = Path(__file__).parent.parent
CAPTURE = ROOT / "data/captures/2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
PICTURE = ROOT / "docs/images/cascade-2026-07-10.svg"
ASSET, SIDE = "BTC", Side.SHORT
# 2026-07-10 01:48:15 UTC, and two minutes.
FROM_SECOND, SECONDS = 1_783_648_095, 120
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 900, 360, 70, 310, 50
BAR, LINE, TEXT, GRID = "#7f9ec9", "#c0392b", "#222222", "#dddddd"
MARKS = {
    AlertType.WATCH: ("watch", "#888888"),
    AlertType.DETECTED: ("started", "#c0392b"),
    AlertType.ESCALATED: ("escalated", "#8e44ad"),
    AlertType.ENDED: ("end", "#27ae60"),
}


@dataclass(frozen=True)
class Scale:
    """The conversion of seconds, and of values above the axis, to pixels."""

    greatest: float

    def x(self, second: float) -> float:
        """Return the horizontal position of a second."""
        return LEFT + (second - FROM_SECOND) / SECONDS * (WIDTH - LEFT - 70)

    def y(self, value: float) -> float:
        """Return the vertical position of a value."""
        return BOTTOM - value / self.greatest * (BOTTOM - TOP)


def recorded() -> list[Liquidation]:
    book, config = load_snapshot(), NormalizerConfig(Decimal(100_000), Decimal(100))
    events: list[Liquidation] = []
    with gzip.open(CAPTURE) as lines:
        for line in map(parse_capture_line, lines):
            metadata = FrameMetadata(
                line.exchange, line.feed, line.received_at_ns // MILLISECOND_NS
            )
            results = normalize(line.frame.encode(), metadata, book, config)
            events += [result for result in results if isinstance(result, Liquidation)]
    return events


def text(x: float, y: float, words: str, colour: str = TEXT, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def draw(events: Sequence[Liquidation], alerts: Iterable[CascadeAlert]) -> str:
    dollars: dict[int, Decimal] = defaultdict(Decimal)
    for event in events:
        second = event.timestamp_ms // SECOND_MS
        if (event.base, event.side) == (ASSET, SIDE) and 0 <= second - FROM_SECOND < SECONDS:
            dollars[second] += event.value_usd
    mine = [
        alert
        for alert in alerts
        if (alert.asset, alert.side) == (ASSET, SIDE)
        and 0 <= alert.timestamp_ms // SECOND_MS - FROM_SECOND < SECONDS + 60
    ]
    scale = Scale(float(max(dollars.values())))
    nats = Scale(max(alert.analysis.surprise for alert in mine if alert.analysis))
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 20, "BTC shorts liquidated on Bybit and OKX, 2026-07-10 from 01:48:15 UTC"),
        text(LEFT - 8, TOP - 8, f"${scale.greatest / 1e3:,.0f}k a second", BAR, "end"),
        text(WIDTH - 65, TOP - 8, f"{nats.greatest:.0f} nats", LINE),
    ]
    for step in range(0, SECONDS + 1, 15):
        x = scale.x(FROM_SECOND + step)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}" stroke="{GRID}"/>')
        parts.append(text(x, BOTTOM + 18, f"{step} s", TEXT, "middle"))
    width = scale.x(FROM_SECOND + 1) - scale.x(FROM_SECOND)
    for second, value in sorted(dollars.items()):
        y = scale.y(float(value))
        parts.append(
            f'<rect x="{scale.x(second):.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{BOTTOM - y:.1f}" fill="{BAR}"/>'
        )
    points = [
        f"{scale.x(alert.timestamp_ms / SECOND_MS):.1f},{nats.y(alert.analysis.surprise):.1f}"
        for alert in mine
        if alert.analysis and alert.type is not AlertType.ENDED
    ]
    parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{LINE}"/>')
    for row, alert in enumerate(alert for alert in mine if alert.type in MARKS):
        word, colour = MARKS[alert.type]
        at_ms = alert.timestamp_ms if alert.ended_at_ms is None else alert.ended_at_ms
        x, y = scale.x(at_ms / SECOND_MS), TOP + 14 + 16 * row
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}" stroke="{colour}" '
            'stroke-dasharray="4 3"/>'
        )
        parts.append(text(x + 4, y, f"{word} ({alert.risk_score:.0f})", colour))
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    events = recorded()
    engine = CascadeEngine(DetectorConfig())
    alerts = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    PICTURE.write_text(draw(events, [*alerts, *engine.finish()]))
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
