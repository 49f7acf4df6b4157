"""Comparable figures of one configuration's records for a log."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean, median
from typing import NamedTuple

from liq.processors.backtesting.dollars import MARKET, Dollars
from liq.processors.backtesting.forecasts import (
    Bin,
    Forecast,
    brier,
    brier_skill,
    forward_view,
    frequency,
    outcome_of,
    reliability,
)
from liq.schemas.folding import fold
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side

_RUNNING = frozenset({AlertType.DETECTED, AlertType.ESCALATED, AlertType.UPDATED})
_FIRST = frozenset({AlertType.DETECTED, AlertType.ESCALATED})


class CascadeLife(NamedTuple):
    """An ended cascade: the record of its end, and the time of its first message, None without one.

    `to_come` is the share of its dollars that was liquidated after the first message.
    """

    end: CascadeAlert
    told_ms: int | None
    to_come: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A configuration's figures.

    `messages` counts after folding, by the alerts' own times. `inside_share` is the share of all
    dollars that lies within cascades. `to_come_median` and `to_come_mean` are over the cascades
    with a message: the share of a cascade's dollars that was still to come at its first message;
    None without such cascades. Forecasts are the records with `continue_probability`; `brier_skill`
    is their relative improvement over always forecasting the frequency.
    """

    messages: int
    messages_a_day: float
    asset_cascades: int
    market_cascades: int
    inside_share: float
    to_come_median: float | None
    to_come_mean: float | None
    forecasts: int
    happened: float | None
    brier: float | None
    brier_skill: float | None
    bins: tuple[Bin, ...]
    cascades: tuple[CascadeLife, ...]


@dataclass(slots=True)
class Tally:
    """The records of a configuration in their order, for a log with known dollars."""

    dollars: Dollars
    _told: list[CascadeAlert] = field(default_factory=list)
    _first_told_ms: dict[str, int] = field(default_factory=dict)
    _ends: list[CascadeAlert] = field(default_factory=list)
    _forecasts: list[Forecast] = field(default_factory=list)

    def add(self, alert: CascadeAlert) -> None:
        """Add a record; watches do not count."""
        if alert.type is AlertType.WATCH:
            return
        if alert.notify or alert.type is AlertType.LINKED:
            self._told.append(alert)
        if alert.notify and alert.type in _FIRST:
            self._first_told_ms.setdefault(alert.cascade_id, alert.timestamp_ms)
        if alert.type is AlertType.ENDED:
            self._ends.append(alert)
        said = forward_view(alert) if alert.type in _RUNNING else None
        if said is not None:
            probability, expected_usd = said
            outcome = outcome_of(alert, self.dollars)
            self._forecasts.append(Forecast(probability, expected_usd * 100, outcome))

    def figures(self, days: float) -> Figures:
        """Return the figures of the records, which cover `days`."""
        messages = len(fold((alert.timestamp_ms, alert) for alert in self._told))
        lives = tuple(map(self._life, self._ends))
        market = sum(life.end.asset == MARKET for life in lives)
        to_come = [life.to_come for life in lives if life.to_come is not None]
        known = self._forecasts
        return Figures(
            messages=messages,
            messages_a_day=messages / days,
            asset_cascades=len(lives) - market,
            market_cascades=market,
            inside_share=inside_share(self._ends, self.dollars),
            to_come_median=median(to_come) if to_come else None,
            to_come_mean=mean(to_come) if to_come else None,
            forecasts=len(known),
            happened=frequency(known) if known else None,
            brier=brier(known) if known else None,
            brier_skill=_number(brier_skill(known)),
            bins=tuple(reliability(known)),
            cascades=lives,
        )

    def _life(self, end: CascadeAlert) -> CascadeLife:
        told_ms = self._first_told_ms.get(end.cascade_id)
        if told_ms is None or end.ended_at_ms is None:
            return CascadeLife(end, told_ms, None)
        until_ms = end.ended_at_ms - 1
        whole = self.dollars.cents(
            end.asset, end.side, after_ms=end.started_at_ms - 1, until_ms=until_ms
        )
        after = self.dollars.cents(
            end.asset, end.side, after_ms=min(told_ms, until_ms), until_ms=until_ms
        )
        return CascadeLife(end, told_ms, after / whole if whole else None)


def inside_share(ends: Iterable[CascadeAlert], dollars: Dollars) -> float:
    """Return the share of all dollars within cascades of their asset or of the market."""
    spans: dict[tuple[str, Side], list[tuple[int, int]]] = {}
    for end in ends:
        span = end.started_at_ms, end.ended_at_ms or end.started_at_ms
        spans.setdefault((end.asset, end.side), []).append(span)
    inside = 0
    for base, side in dollars.lanes:
        both = spans.get((base, side), []) + spans.get((MARKET, side), [])
        for from_ms, to_ms in _merged(both):
            inside += dollars.cents(base, side, after_ms=from_ms - 1, until_ms=to_ms - 1)
    return inside / max(1, dollars.total_cents())


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for from_ms, to_ms in sorted(spans):
        if merged and from_ms <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], to_ms)
        else:
            merged.append((from_ms, to_ms))
    return merged


def _number(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - not a number
