"""The report as one HTML file: the charts of the live page, no network, tables without scripts."""

from html import escape
from importlib.resources import files
from typing import Final

from liq.cli.report.answers import PostMortem, Report, Rows, clock
from liq.cli.report.chart_data import MARKET, chart_data, level_rows, share_of_longs
from liq.cli.report.document import document
from liq.cli.report.tables import table
from liq.cli.report.wording import dollars, duration, percent
from liq.cli.results import visible
from liq.web.inlining import one_script

STYLES: Final = ("uplot/uPlot.min.css", "page.css")
ENTRY: Final = "report.js"
VENUES: Final = (
    "Dollars. A venue that publishes a sample shows a part of what it liquidated: its sums are"
    " lower bounds, and its counts cannot be compared with those of others."
)
FOOTER: Final = (
    "<footer><p>Every event counts once. Sides are the positions that were liquidated; times are"
    " the exchanges' own, in UTC. Made by liquidation-engine. Charts by uPlot (MIT); its licence is"
    " in this file.</p></footer>"
)
NO_SCRIPT: Final = (
    "<noscript><p>Without scripts there are no charts; the tables have all numbers.</p></noscript>"
)


def page(report: Report, known_until: str = "") -> str:
    """Return the whole file. All values from the database are escaped.

    `known_until` is the sentence about the report's horizon.
    """
    period = f"{clock(report.period.since)} to {clock(report.period.until)} UTC"
    sections = (
        _tiles(report),
        _over_time(report),
        _levels(report),
        f'<div class="pair">{_sizes(report)}{_hours_of_day(report)}</div>',
        _section("Venues", VENUES, table("Venues", report.venues)),
        _section("Symbols", "The ten with most dollars.", table("Symbols", report.symbols)),
        _section("The largest liquidations", "", table("Largest liquidations", report.largest)),
        _cascades(report),
        _completeness(report),
    )
    body = (
        f"<header><h1>Liquidations</h1><p>{escape(period)}, database {_text(report.database)}</p>"
        f'<p id="horizon" role="status">{escape(known_until)}</p></header>'
        f'<main class="single">{NO_SCRIPT}{"".join(sections)}</main>{FOOTER}'
    )
    return document(
        title=f"Liquidations, {period}",
        body=body,
        styles=[*(_asset(name) for name in STYLES), _style()],
        scripts=_scripts(),
        data=chart_data(report),
    )


def _asset(name: str) -> str:
    """Return a file of the live page."""
    return files("liq.web").joinpath("page", name).read_text(encoding="utf-8")


def _style() -> str:
    return files("liq.cli.report").joinpath("report.css").read_text(encoding="utf-8")


def _scripts() -> tuple[str, str]:
    """Return uPlot with its licence, and the drawing modules of the live page."""
    folder = files("liq.web").joinpath("page")
    modules = {
        file.name: file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".js")
    }
    uplot = f"/*!\n{_asset('uplot/LICENSE')}\n*/\n{_asset('uplot/uPlot.iife.min.js')}"
    return uplot, f"/*! liquidation-engine, Apache-2.0 */\n{one_script(modules, ENTRY)}"


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
        f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in tiles
    )
    return f'<div class="tiles">{inner}</div>'


def _over_time(report: Report) -> str:
    every = duration(report.period.step_seconds)
    rows: Rows = [{**row, "share_of_longs": _percent(share_of_longs(row))} for row in report.series]
    longs: Rows = [{name: row[name] for name in ("start", "share_of_longs")} for row in rows]
    return _section(
        "Longs and shorts over time",
        f"Dollars every {every}; below, the share of longs.",
        _figure("series", f"Dollars of longs and shorts every {every}", table("Dollars", rows)),
        _figure("long_share", f"Share of longs every {every}", table("Share of longs", longs)),
    )


def _levels(report: Report) -> str:
    if not report.levels:
        return _section("Price levels", f"No liquidations of {report.symbol} in the period.", "")
    name = f"Dollars by price level, {report.symbol}"
    return _section(
        f"Price levels of {report.symbol}",
        "Where positions were closed. Bankruptcy prices lie beyond the price of the close.",
        _figure("levels", name, table(name, level_rows(report)), kind="chart heat"),
    )


def _sizes(report: Report) -> str:
    return _section(
        "Sizes",
        "A few liquidations make up most dollars.",
        _figure(
            "sizes",
            "Shares of liquidations and of dollars by size",
            table("Sizes", report.sizes),
        ),
    )


def _hours_of_day(report: Report) -> str:
    return _section(
        "Hours of the day",
        "Mean dollars a day, UTC.",
        _figure(
            "hours_of_day",
            "Mean dollars a day by hour of the day",
            table("Hours of the day", report.hours_of_day),
        ),
    )


def _cascades(report: Report) -> str:
    if not report.cascades:
        return _section("Cascades", "None started in the period.", "")
    columns = ("started_at", "ended_at", "asset", "side", "events", "usd", "risk", "exchanges")
    largest = _section("Cascades", "The ten largest.", table("Cascades", report.cascades, columns))
    leads = _section(
        "Who leads",
        "Cascades on several venues: how often a venue's first liquidation was the first of all,"
        " and how long after it in the middle and at the 90th percentile.",
        table("Who leads", report.leads),
    )
    post_mortem = report.post_mortem
    return largest + (_post_mortem(post_mortem) if post_mortem else "") + leads


def _post_mortem(post_mortem: PostMortem) -> str:
    cascade = post_mortem.cascade
    parts = [table("Venues of the largest cascade", post_mortem.venues)]
    if post_mortem.seconds:
        shown = table("Dollars by second", post_mortem.seconds)
        parts += [
            "<h3>Dollars by second</h3>",
            _figure("cascade_seconds", "Dollars by second", shown),
        ]
    if post_mortem.prices and cascade["asset"] != MARKET:
        shown = table("Prices by second and venue", post_mortem.prices)
        name = "Prices by second, venue and kind"
        parts += ["<h3>Price path</h3>", _figure("cascade_prices", name, shown)]
    return _section(
        f"Post-mortem: {cascade['asset']} {cascade['side']}, {clock(cascade['started_at'])}",
        f"The largest cascade: {cascade['events']:,} liquidations of {dollars(cascade['usd'])};"
        f" id {cascade['cascade_id']}.",
        *parts,
    )


def _completeness(report: Report) -> str:
    gaps = "Hours in which a connection was down, beside what they hold."
    none = "No connection reported a gap in the period."
    shown_gaps = _section("Gaps", gaps if report.gaps else none, table("Gaps", report.gaps))
    refused = "Frames that gave no liquidation; their bytes are in the table rejected."
    nothing = "Every frame was understood."
    return shown_gaps + _section(
        "Rejected", refused if report.rejected else nothing, table("Rejected", report.rejected)
    )


def _section(title: str, text: str, *parts: str) -> str:
    paragraph = f"<p>{_text(text)}</p>" if text else ""
    return (
        f'<section><div class="title"><h2>{_text(title)}</h2></div>{paragraph}{"".join(parts)}'
        "</section>"
    )


def _figure(name: str, label: str, numbers: str, kind: str = "chart") -> str:
    """Return a chart's place and its numbers; the script draws it and folds the numbers away.

    The heat map describes itself to screen readers.
    """
    described = "" if name == "levels" else f' role="img" aria-label="{_text(label)}"'
    return (
        f'<figure id="{name}"><div class="{kind}"{described} hidden></div>'
        f"<details open><summary>Numbers: {_text(label)}</summary>{numbers}</details></figure>"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _percent(share: float | None) -> str:
    return "" if share is None else percent(share)
