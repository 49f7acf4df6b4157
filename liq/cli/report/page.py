"""The report as one self-contained HTML page: no network, no script."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from importlib.resources import files
from typing import Any

from liq.cli.report import charts
from liq.cli.report.answers import PostMortem, Report, Rows, clock
from liq.cli.report.wording import dollars, duration, percent
from liq.cli.results import shown

NUMBERS = (int, float, Decimal)
LONGEST_WORD = 60


def page(report: Report, known_until: str = "") -> str:
    """Return the whole page. All values from the database are escaped.

    `known_until` is the sentence about the report's horizon.
    """
    style = files("liq.cli.report").joinpath("page.css").read_text(encoding="utf-8")
    period = f"{clock(report.period.since)} to {clock(report.period.until)} UTC"
    sections = [
        _tiles(report),
        _over_time(report),
        _heat_map(report),
        _profiles(report),
        _section("Venues", _VENUES, _table(report.venues)),
        _section("Symbols", "The ten with most dollars.", _table(report.symbols)),
        _section("The largest liquidations", "", _table(report.largest)),
        _cascades(report),
        _completeness(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Liquidations, {escape(period)}</title><style>{style}</style></head><body>"
        f"<header><h1>Liquidations</h1><p>{escape(period)}, database"
        f" {escape(report.database)}</p><p>{escape(known_until)}</p></header>"
        f"{''.join(sections)}"
        "<footer>Every event counts once. Sides are the positions that were liquidated; times are"
        " the exchanges' own. Made by liquidation-engine.</footer></body></html>\n"
    )


_VENUES = (
    "Dollars. A venue that publishes a sample shows a part of what it liquidated: its sums are"
    " lower bounds, and its counts cannot be compared with those of others."
)


def _tiles(report: Report) -> str:
    summary, cascades = report.summary, report.cascade_count
    share = float(summary["long_usd"]) / float(summary["usd"] or 1)
    still_open = f", {cascades['open_cascades']} open" if cascades["open_cascades"] else ""
    tiles = (
        (dollars(summary["usd"]), "liquidated, at least"),
        (f"{summary['events']:,}", "liquidations published"),
        (percent(share), "of the dollars were longs"),
        (dollars(summary["largest_usd"]), "the largest"),
        (f"{cascades['cascades']:,}", f"cascades{still_open}"),
        (f"{summary['exchanges']} / {summary['symbols']}", "venues / symbols"),
    )
    inner = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for value, name in tiles
    )
    return f'<div class="tiles">{inner}</div>'


def _over_time(report: Report) -> str:
    key = _key(("long", "longs"), ("short", "shorts"))
    return _section(
        "Longs and shorts over time",
        f"Dollars every {duration(report.period.step_seconds)}; below, the share of longs.",
        f"{key}{charts.long_short_series(report)}{charts.long_share(report)}",
    )


def _heat_map(report: Report) -> str:
    if not report.levels:
        text = f"No liquidations of {report.symbol} in the period."
        return _section("Price levels", text, "")
    return _section(
        f"Price levels of {report.symbol}",
        "Where positions were closed; the stronger the colour, the more dollars (three powers of"
        " ten). Bankruptcy prices lie beyond the price of the close.",
        charts.levels(report),
    )


def _profiles(report: Report) -> str:
    key = _key(("muted", "share of liquidations"), ("accent", "share of dollars"))
    sizes = _section(
        "Sizes", "A few liquidations make up most dollars.", key + charts.sizes(report.sizes)
    )
    hours = _section(
        "Hours of the day", "Mean dollars a day, UTC.", charts.hours_of_day(report.hours_of_day)
    )
    return f'<div class="pair">{sizes}{hours}</div>'


def _cascades(report: Report) -> str:
    if not report.cascades:
        return _section("Cascades", "None started in the period.", "")
    columns = ("started_at", "ended_at", "asset", "side", "events", "usd", "risk", "exchanges")
    largest = _section("Cascades", "The ten largest.", _table(report.cascades, columns))
    leads = _section(
        "Who leads",
        "Cascades on several venues: how often a venue's first liquidation was the first of all,"
        " and how long after it in the middle and at the 90th percentile.",
        _table(report.leads),
    )
    post_mortem = report.post_mortem
    return largest + (_post_mortem(post_mortem) if post_mortem else "") + leads


def _post_mortem(post_mortem: PostMortem) -> str:
    cascade = post_mortem.cascade
    parts = _table(post_mortem.venues)
    if post_mortem.seconds:
        parts += f"<h3>Dollars, second by second</h3>{charts.cascade_seconds(post_mortem)}"
    # Prices of different assets have no common path.
    if post_mortem.prices and cascade["asset"] != "market":
        lines = sorted({charts.price_line(row) for row in post_mortem.prices})
        names = [(f"dot{number % charts.LINE_COLOURS}", line) for number, line in enumerate(lines)]
        parts += f"<h3>Price path</h3>{_key(*names)}{charts.cascade_prices(post_mortem)}"
    return _section(
        f"Post-mortem: {cascade['asset']} {cascade['side']}, {clock(cascade['started_at'])}",
        f"The largest cascade: {cascade['events']:,} liquidations of {dollars(cascade['usd'])};"
        f" id {cascade['cascade_id']}.",
        parts,
    )


def _completeness(report: Report) -> str:
    gaps = "Hours in which a connection was down, beside what they hold."
    none = "No connection reported a gap in the period."
    shown_gaps = _section("Gaps", gaps if report.gaps else none, _table(report.gaps))
    refused = "Frames that gave no liquidation; their bytes are in the table rejected."
    nothing = "Every frame was understood."
    return shown_gaps + _section(
        "Rejected", refused if report.rejected else nothing, _table(report.rejected)
    )


def _section(title: str, text: str, inner: str) -> str:
    paragraph = f"<p>{escape(text)}</p>" if text else ""
    return f"<section><h2>{escape(title)}</h2>{paragraph}{inner}</section>"


def _key(*entries: tuple[str, str]) -> str:
    """Return the legend of the colours."""
    inner = "".join(
        f'<span class="key {kind}"></span>{escape(name.replace("_", " "))}'
        for kind, name in entries
    )
    return f"<p>{inner}</p>"


def _table(rows: Rows, columns: Sequence[str] = ()) -> str:
    if not rows:
        return ""
    names = columns or tuple(rows[0])
    numeric = {name for name in names if any(_is_number(row[name]) for row in rows)}
    head = "".join(
        f"<th{_class(name in numeric)}>{escape(name.replace('_', ' '))}</th>" for name in names
    )
    body = "".join(
        f"<tr>{''.join(_cell(row[name], is_number=name in numeric) for name in names)}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(value: Any, *, is_number: bool) -> str:
    text = shown(value)
    if len(text) > LONGEST_WORD:
        return f'<td class="wide">{escape(text)}</td>'
    return f"<td{_class(is_number)}>{escape(text)}</td>"


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)
