"""Dollars of the last day by asset, minute and price level, and prices by minute. Pure.

A level is a tenth of a per cent wide, so that assets of all prices have similar rows.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from liq.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS
from liq.schemas.vocabulary import Side
from liq.web.records import CENTS, Facets

LEVEL: Final = math.log(1.001)
MAX_CELLS: Final = 200_000
MAX_COLUMNS: Final = 120
MAX_ROWS: Final = 48
#: The most assets to choose from on the page.
MAX_ASSETS: Final = 200
#: The share of dollars to cut at either end of the prices; prices beyond are mostly errors.
TAIL_SHARE: Final = 0.004
Document = dict[str, Any]


@dataclass(slots=True)
class _Minute:
    """The cents of one asset by level and side, and the last price."""

    cells: dict[tuple[int, bool], int] = field(default_factory=dict)
    price: float = 0.0


class PriceLevels:
    """The sums of liquidations by price level; the oldest minutes are dropped first."""

    def __init__(self) -> None:
        """Start without liquidations."""
        self._minutes: dict[int, dict[str, _Minute]] = {}
        self._cells = 0
        self._newest_ms = 0

    @property
    def cells(self) -> int:
        """The number of sums: one per minute, asset, level and side."""
        return self._cells

    def take(self, facets: Facets) -> None:
        """Count a liquidation; skip it without a usable price, or if it is older than a day."""
        minute_ms = facets.time_ms - facets.time_ms % MINUTE_MS
        if not 0 < facets.price < math.inf or minute_ms < self._newest_ms - DAY_MS:
            return
        self._newest_ms = max(self._newest_ms, facets.time_ms)
        is_new = minute_ms not in self._minutes
        minute = self._minutes.setdefault(minute_ms, {}).setdefault(facets.asset, _Minute())
        cell = (math.floor(math.log(facets.price) / LEVEL), facets.side == Side.LONG)
        self._cells += cell not in minute.cells
        minute.cells[cell] = minute.cells.get(cell, 0) + facets.cents
        minute.price = facets.price
        if is_new or self._cells > MAX_CELLS:
            self._forget_oldest()

    def assets(self) -> list[str]:
        """Return the assets with the most dollars, the largest first."""
        totals: dict[str, int] = {}
        for minute in self._minutes.values():
            for asset, known in minute.items():
                totals[asset] = totals.get(asset, 0) + sum(known.cells.values())
        return sorted(totals, key=lambda asset: -totals[asset])[:MAX_ASSETS]

    def map(self, asset: str, hours: int) -> Document:
        """Return the last hours of an asset as a grid of at most 120 columns and 48 rows.

        A cell is `[column, row, dollars of longs, dollars of shorts]`; row 0 is the lowest price,
        `lowest` its lower edge, and each row's edge is `ratio` times the one below.
        """
        span_ms = hours * HOUR_MS
        step_ms = MINUTE_MS * max(1, math.ceil(span_ms / MINUTE_MS / MAX_COLUMNS))
        end_ms = self._newest_ms - self._newest_ms % step_ms + step_ms
        start_ms = end_ms - span_ms
        found = list(self._between(asset, start_ms))
        low, high = _range(found)
        per_row = max(1, math.ceil((high - low + 1) / MAX_ROWS))
        cells: dict[tuple[int, int], list[int]] = {}
        for minute_ms, minute in found:
            for (level, is_long), cents in minute.cells.items():
                if low <= level <= high:
                    place = ((minute_ms - start_ms) // step_ms, (level - low) // per_row)
                    cells.setdefault(place, [0, 0])[not is_long] += cents
        return {
            "asset": asset,
            "start_ms": start_ms,
            "end_ms": end_ms,
            "step_ms": step_ms,
            "lowest": math.exp(low * LEVEL),
            "ratio": math.exp(per_row * LEVEL),
            "rows": (high - low) // per_row + 1 if found else 0,
            "cells": [
                [column, row, longs / CENTS, shorts / CENTS]
                for (column, row), (longs, shorts) in sorted(cells.items())
            ],
            "prices": [[minute_ms, minute.price] for minute_ms, minute in found],
        }

    def _between(self, asset: str, start_ms: int) -> Iterator[tuple[int, _Minute]]:
        for minute_ms in sorted(self._minutes):
            if minute_ms >= start_ms and asset in self._minutes[minute_ms]:
                yield minute_ms, self._minutes[minute_ms][asset]

    def _forget_oldest(self) -> None:
        for minute_ms in sorted(self._minutes):
            if self._cells <= MAX_CELLS and minute_ms >= self._newest_ms - DAY_MS:
                return
            for known in self._minutes.pop(minute_ms).values():
                self._cells -= len(known.cells)


def _range(found: list[tuple[int, _Minute]]) -> tuple[int, int]:
    """Return the lowest and highest level, without `TAIL_SHARE` of the dollars at either end."""
    by_level: dict[int, int] = {}
    for _, minute in found:
        for (level, _), cents in minute.cells.items():
            by_level[level] = by_level.get(level, 0) + cents
    if not by_level:
        return 0, 0
    tail = sum(by_level.values()) * TAIL_SHARE
    return _edge(by_level, sorted(by_level), tail), _edge(
        by_level, sorted(by_level, reverse=True), tail
    )


def _edge(by_level: dict[int, int], levels: list[int], tail: float) -> int:
    passed = 0.0
    for level in levels:
        passed += by_level[level]
        if passed > tail:
            return level
    return levels[-1]
