"""The screen of `liq watch`: the live page's first screen, for a terminal. Pure.

Text comes from exchanges, so all of it passes through `visible`, and is never markup.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from liq.cli.results import visible
from liq.schemas.units import HOUR_MS, SECOND_MS
from liq.schemas.vocabulary import Completeness, Side
from liq.web.board import Board, documents
from liq.web.horizon import Horizon
from liq.web.records import CENTS, StreamRecord

LARGE_USD: Final = Decimal(1_000_000)
CASCADES: Final = 5
#: The lines besides the rows of the tape: header, sums, titles, cascades.
OTHER_LINES: Final = 16
STYLES: Final = {Side.LONG: "yellow", Side.SHORT: "cyan"}
MARKS: Final = {Side.LONG: "▼ long", Side.SHORT: "▲ short"}


def screen(
    board: Board, newest: Sequence[StreamRecord], horizon: Horizon, *, height: int
) -> RenderableType:
    """Return the whole screen: horizon, sums of the last hour, open cascades, newest records."""
    rows = max(3, height - OTHER_LINES)
    return Group(_header(horizon), _sums(board), _cascades(board), _tape(newest[:rows]))


def line(record: StreamRecord) -> str:
    """Return a liquidation as one line, for a pipe."""
    document = orjson.loads(record.value)
    fields = (
        _time(document["timestamp_ms"]),
        document["exchange"],
        document["base"],
        document["side"],
        document["price"],
        dollars(document["value_usd"]),
    )
    return visible("  ".join(str(each) for each in fields)).replace("\n", "\\n")


def sentence(alert: dict[str, Any]) -> str:
    """Return an alert as one line."""
    text = alert.get("explanation") or f"{alert['type']} {alert['asset']} {alert['side']}"
    return visible(f"{_time(alert['timestamp_ms'])}  {text}").replace("\n", "\\n")


def dollars(value: object) -> str:
    """Return dollars in short form: $1.25M."""
    amount = Decimal(str(value))
    for least, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if abs(amount) >= least:
            return f"${amount / least:.2f}{letter}"
    return f"${amount:.0f}"


def _header(horizon: Horizon) -> Text:
    until_ms = horizon.liquidations_until_ms
    clock = "no clock yet" if until_ms is None else f"log at {_day(until_ms)} UTC"
    state = "complete up to now" if horizon.is_complete else horizon.sentence
    return Text.assemble(
        ("Liquidations  ", "bold"),
        (f"{clock}  ", "dim"),
        (visible(state), "green" if horizon.is_complete else "bold magenta"),
    )


def _sums(board: Board) -> Text:
    totals = dict.fromkeys(Side, Decimal(0))
    venues = set()
    for row in board.minutes(board.newest_liquidation_ms - HOUR_MS):
        totals[Side(row["side"])] += Decimal(row["value_usd"])
        venues.add(row["exchange"])
    sampled = sorted(
        venue
        for venue, found in board.completeness().items()
        if venue in venues and set(found) != {Completeness.COMPLETE}
    )
    mark = ">= " if sampled else ""
    text = Text("Last hour  ")
    for side, total in totals.items():
        text.append(f"{MARKS[side]}s {mark}{dollars(total)}  ", STYLES[side])
    if sampled:
        text.append(visible(f"sampled: {', '.join(sampled)}"), "dim")
    return text


def _cascades(board: Board) -> RenderableType:
    found = list(documents(board.open_cascades()))
    if not found:
        return Text("No cascade runs.\n", "dim")
    table = _table("Open cascades", "asset", "position", "level", "risk", "dollars", "what it says")
    for alert in found[:CASCADES]:
        side = Side(alert["side"])
        table.add_row(
            Text(visible(alert["asset"] or "market")),
            Text(MARKS[side], STYLES[side]),
            Text(visible(str(alert.get("level") or ""))),
            Text(f"{alert['risk_score']:.0f}"),
            Text(dollars(alert["total_value_usd"])),
            Text(visible(str(alert.get("explanation") or ""))),
        )
    return table


def _tape(newest: Sequence[StreamRecord]) -> Table:
    table = _table("Tape", "time", "venue", "asset", "position", "price", "dollars")
    for record in newest:
        document = orjson.loads(record.value)
        side = Side(document["side"])
        is_large = record.facets.cents >= LARGE_USD * CENTS
        table.add_row(
            Text(_time(document["timestamp_ms"])),
            Text(visible(str(document["exchange"]))),
            Text(visible(str(document["base"]))),
            Text(MARKS[side], STYLES[side]),
            Text(visible(str(document["price"])), justify="right"),
            Text(dollars(document["value_usd"]), justify="right"),
            style="bold reverse" if is_large else "",
        )
    return table


def _table(title: str, *names: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for name in names:
        table.add_column(name, no_wrap=name != "what it says")
    return table


def _time(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / SECOND_MS, UTC):%H:%M:%S}"


def _day(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / SECOND_MS, UTC):%Y-%m-%d %H:%M:%S}"
