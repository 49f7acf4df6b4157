"""The evaluation of early signs: their number, their precision, and what they precede."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

from liq.processors.backtesting.dollars import MARKET
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side

SEPARATE_MS: Final = 60_000
RIGHT_MS: Final = 90_000

Key = tuple[str, Side]


class Span(NamedTuple):
    """A time in which a warning on an asset and side is right: a burst, or a planted cascade.

    A warning is in time until `half_ms`, when half of the span's dollars are liquidated. In a span
    of the market, warnings on every asset are right. Such a span does not count as preceded or not,
    because there are no watches of the market.
    """

    base: str
    side: Side
    start_ms: int
    half_ms: int
    end_ms: int


@dataclass(slots=True)
class WatchTally:
    """Counts over any number of logs.

    Watches of one asset and side less than a minute apart form one warning. A warning is right if a
    cascade of that asset and side starts within 90 s after its first watch, or if its first watch
    lies in a span. A start or span is preceded by a watch in the 90 s before it; a span also by a
    watch before `half_ms`. `leads_ms` are the times from the first watch of a start's warning, in
    those 90 s, to the start.
    """

    watches: int = 0
    warnings: int = 0
    right: int = 0
    starts: int = 0
    starts_preceded: int = 0
    spans: int = 0
    spans_preceded: int = 0
    leads_ms: list[int] = field(default_factory=list)

    def add(self, alerts: Sequence[CascadeAlert], spans: Sequence[Span]) -> None:
        """Add a log."""
        watched, starts = _times(alerts, AlertType.WATCH), _times(alerts, AlertType.DETECTED)
        by_key: dict[Key, list[Span]] = defaultdict(list)
        for span in spans:
            by_key[span.base, span.side].append(span)
        self.watches += sum(map(len, watched.values()))
        for key, times in watched.items():
            for first_ms in _firsts(times):
                self.warnings += 1
                self.right += any(
                    first_ms <= at_ms <= first_ms + RIGHT_MS for at_ms in starts.get(key, ())
                ) or any(
                    span.start_ms <= first_ms <= span.end_ms
                    for span in (*by_key[key], *by_key[MARKET, key[1]])
                )
        for key, times in starts.items():
            for at_ms in times:
                self._add_start(at_ms, watched.get(key, ()))
        for span in spans:
            if span.base == MARKET:
                continue
            self.spans += 1
            self.spans_preceded += any(
                span.start_ms - RIGHT_MS <= at_ms <= span.half_ms
                for at_ms in watched.get((span.base, span.side), ())
            )

    def _add_start(self, at_ms: int, watched: Iterable[int]) -> None:
        self.starts += 1
        before = [watch_ms for watch_ms in watched if at_ms - RIGHT_MS <= watch_ms < at_ms]
        if before:
            self.starts_preceded += 1
            self.leads_ms.append(at_ms - _firsts(before)[-1])

    @property
    def right_share(self) -> float:
        """The share of right warnings."""
        return self.right / max(1, self.warnings)

    @property
    def starts_share(self) -> float:
        """The share of starts that a watch preceded."""
        return self.starts_preceded / max(1, self.starts)

    @property
    def spans_share(self) -> float:
        """The share of spans that a watch preceded."""
        return self.spans_preceded / max(1, self.spans)

    @property
    def median_lead_seconds(self) -> float:
        """The median lead of a watch over the start that it preceded."""
        return median(self.leads_ms) / 1000 if self.leads_ms else float("nan")


def _times(alerts: Iterable[CascadeAlert], kind: AlertType) -> dict[Key, list[int]]:
    times: dict[Key, list[int]] = defaultdict(list)
    for alert in alerts:
        if alert.type is kind and alert.asset:
            times[alert.asset, alert.side].append(alert.timestamp_ms)
    return times


def _firsts(times: Iterable[int]) -> list[int]:
    firsts: list[int] = []
    last_ms = None
    for at_ms in sorted(times):
        if last_ms is None or at_ms - last_ms >= SEPARATE_MS:
            firsts.append(at_ms)
        last_ms = at_ms
    return firsts
