"""The activity of the synthetic days, compared with a complete feed."""

from collections import Counter
from typing import Final

from benchmarks.detection.day import Day
from benchmarks.detection.page import markdown
from benchmarks.detection.venues import COMPLETE

# Liquidations an hour on Bybit alone: 100 days of its complete prints, 2025-05 to 2025-08 and
# 2026-02, counted by a public study that was read on 2026-11-29.
BYBIT_AN_HOUR: Final = {"BTC": 66, "ETH": 71, "SOL": 41, "DOGE": 20, "XRP": 28}
HOURS_A_DAY: Final = 24


class Rates:
    """Published liquidations of days at x1, by asset; a repeat counts once."""

    def __init__(self) -> None:
        """Start without a day."""
        self.days = 0
        self._complete: Counter[str] = Counter()
        self._all: Counter[str] = Counter()

    def add(self, day: Day) -> None:
        """Count a day, planted cascades and decoys included."""
        self.days += 1
        events = {event.event_id: event for event in day.observations}.values()
        self._all.update(event.base for event in events)
        self._complete.update(event.base for event in events if event.exchange == COMPLETE)

    def table(self) -> str:
        """Return a table of published liquidations an hour, and those of Bybit."""
        hours = self.days * HOURS_A_DAY
        return markdown(
            ("asset", "all three venues", "the complete venue", "Bybit", "Bybit is"),
            (
                (
                    base,
                    f"{self._all[base] / hours:.0f}",
                    f"{self._complete[base] / hours:.0f}",
                    str(bybit),
                    f"x{bybit * hours / max(1, self._complete[base]):.1f}",
                )
                for base, bybit in BYBIT_AN_HOUR.items()
            ),
        )
