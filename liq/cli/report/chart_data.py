"""What the charts of the report's file draw, as JSON. Pure.

`web/liq/web/page/report.js` reads it, by the names of `chart_data`. Numbers are for drawing; exact
ones are in the tables.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from liq.cli.report.answers import PostMortem, Report, Row, Rows, utc
from liq.cli.report.heat_map import HeatMap, heat_map
from liq.cli.results import visible
from liq.schemas.units import SECOND_MS

MAP_ROWS: Final = 30
MAP_COLUMNS: Final = 96
MARKET: Final = "market"

Document = dict[str, Any]


def chart_data(report: Report) -> Document:
    """Return each chart's data by the id of its figure, without charts that have none."""
    charts = {
        "series": _series(report),
        "long_share": _long_share(report),
        "levels": _levels(report),
        "sizes": _sizes(report),
        "hours_of_day": _hours_of_day(report),
    }
    if report.post_mortem is not None:
        charts["cascade_seconds"] = _cascade_seconds(report.post_mortem)
        charts["cascade_prices"] = _cascade_prices(report.post_mortem)
    return {name: data for name, data in charts.items() if data is not None}


def level_rows(report: Report) -> Rows:
    """Return the dollars of each price level of the map, and its step of time with most dollars."""
    picture = _level_map(report)
    longs = _longs_of(report, picture)
    rows: Rows = []
    for row, price_level in enumerate(picture.levels):
        cells = {place: usd for place, usd in picture.usd.items() if place[0] == row}
        if not cells:
            continue
        heaviest = max(cells, key=lambda place: cells[place])
        long_usd = sum((longs[place] for place in cells), Decimal(0))
        rows.append(
            {
                "price_level": price_level,
                "long_usd": long_usd,
                "short_usd": sum(cells.values(), Decimal(0)) - long_usd,
                "most_at": picture.starts[heaviest[1]],
                "most_usd": cells[heaviest],
            }
        )
    return rows


def share_of_longs(row: Row) -> float | None:
    """Return the longs' share of a row's dollars, from 0 to 1; None without dollars."""
    total = row["long_usd"] + row["short_usd"]
    return float(row["long_usd"] / total) if total else None


def _level_map(report: Report) -> HeatMap:
    """Return the dollars of the report's symbol by price level and time."""
    cells = [(row["price_level"], utc(row["start"]), row["usd"]) for row in report.levels]
    return heat_map(cells, report.period.starts, rows=MAP_ROWS, columns=MAP_COLUMNS)


def _longs_of(report: Report, picture: HeatMap) -> dict[tuple[int, int], Decimal]:
    """Return the dollars of longs by row and column of the map."""
    longs: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for row in report.levels:
        place = picture.place(row["price_level"], utc(row["start"]))
        if place is not None:
            longs[place] += row["long_usd"]
    return longs


def _series(report: Report) -> Document:
    starts = report.period.starts
    return {
        "first": _second(starts[0]),
        "last": _second(starts[-1]),
        "step": report.period.step_seconds,
        "sums": [
            [_second(row["start"]), float(row["long_usd"]), float(row["short_usd"])]
            for row in report.series
        ],
    }


def _long_share(report: Report) -> Document:
    found = {_second(row["start"]): share_of_longs(row) for row in report.series}
    seconds = [_second(start) for start in report.period.starts]
    return {"seconds": seconds, "values": [found.get(second) for second in seconds]}


def _levels(report: Report) -> Document | None:
    picture = _level_map(report)
    if not picture.levels:
        return None
    longs = _longs_of(report, picture)
    last_row, starts = len(picture.levels) - 1, picture.starts
    start_ms = _ms(starts[0])
    step_ms = _ms(starts[1]) - start_ms if len(starts) > 1 else _span_ms(report)
    return {
        "map": {
            "asset": visible(report.symbol),
            "start_ms": start_ms,
            "end_ms": start_ms + len(starts) * step_ms,
            "step_ms": step_ms,
            # Levels are rounded to the nearest: a row reaches half a step to both sides.
            "lowest": float(picture.levels[-1] - picture.step / 2),
            "height": float(picture.step),
            "rows": len(picture.levels),
            "cells": [
                [column, last_row - row, float(longs[row, column]), float(usd - longs[row, column])]
                for (row, column), usd in sorted(picture.usd.items())
            ],
            "prices": [
                [_ms(row["start"]), float(row["last_price"])] for row in report.level_prices
            ],
        },
        "cascades": [
            {
                "started_at_ms": _ms(row["started_at"]),
                "ended_at_ms": None if row["ended_at"] is None else _ms(row["ended_at"]),
                "side": row["side"],
            }
            for row in report.level_cascades
        ],
    }


def _span_ms(report: Report) -> int:
    return len(report.period.starts) * report.period.step_seconds * SECOND_MS


def _sizes(report: Report) -> Document:
    events = sum(row["events"] for row in report.sizes)
    usd = sum(row["usd"] for row in report.sizes) or Decimal(1)
    return {
        "edges": [float(row["from_usd"]) for row in report.sizes],
        "values": [
            [row["events"] / events for row in report.sizes],
            [float(row["usd"] / usd) for row in report.sizes],
        ],
    }


def _hours_of_day(report: Report) -> Document:
    found = {row["hour_of_day"]: float(row["mean_usd"]) for row in report.hours_of_day}
    hours = list(range(24))
    return {"hours": hours, "values": [found.get(hour, 0.0) for hour in hours]}


def _cascade_seconds(post_mortem: PostMortem) -> Document | None:
    if not post_mortem.seconds:
        return None
    return {
        "side": post_mortem.cascade["side"],
        "rows": [
            {"second_ms": _ms(row["second"]), "value_usd": float(row["value_usd"])}
            for row in post_mortem.seconds
        ],
    }


def _cascade_prices(post_mortem: PostMortem) -> Document | None:
    # Prices of different assets have no common path.
    if not post_mortem.prices or post_mortem.cascade["asset"] == MARKET:
        return None
    return {
        "rows": [
            {
                "second_ms": _ms(row["second"]),
                "exchange": visible(row["exchange"]),
                "symbol": visible(row["symbol"]),
                "price_kind": visible(row["price_kind"]),
                "price": float(row["price_last"]),
            }
            for row in post_mortem.prices
        ]
    }


def _second(moment: datetime) -> int:
    return int(utc(moment).timestamp())


def _ms(moment: datetime) -> int:
    return round(utc(moment).timestamp() * SECOND_MS)
