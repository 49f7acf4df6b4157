"""The report in the terminal."""

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from liq.cli.report.answers import PostMortem, Report, Rows, clock, utc
from liq.cli.report.heat_map import HeatMap, heat_map
from liq.cli.report.wording import dollars, duration, level, percent, short_time
from liq.cli.results import table_of, visible

BARS = " ▁▂▃▄▅▆▇█"
SHADES = " ·░▒▓█"
MAP_ROWS = 24
MAP_COLUMNS = 96
COUNTED_SECONDS = 12
HOURS_APART = 3
VENUE_COLUMNS = (
    *("exchange", "events", "long_usd", "short_usd", "median_usd", "largest_usd"),
    *("published", "gap_seconds"),
)


def print_report(report: Report, console: Console) -> None:
    """Print every answer, the most important first."""
    period = report.period
    console.print(
        f"Liquidations in {report.database}, {clock(period.since)} to {clock(period.until)} UTC",
        style="bold",
        highlight=False,
    )
    console.print(_summary(report), highlight=False)
    console.print(_series(report), highlight=False)
    parts = (
        _table(
            "By venue (dollars; sampled venues publish a part: their sums are lower bounds)",
            report.venues,
            VENUE_COLUMNS,
        ),
        _table("The ten largest symbols", report.symbols),
        _table("The ten largest liquidations", report.largest),
    )
    for part in parts:
        _print_part(console, part)
    console.print(_heat_map(report), highlight=False, no_wrap=True)
    _print_part(console, _table("Sizes", report.sizes))
    _print_part(console, _hours(report.hours_of_day))
    cascades = _table(
        "The ten largest cascades",
        report.cascades,
        ("started_at", "ended_at", "asset", "side", "events", "usd", "risk", "exchanges"),
    )
    _print_part(console, cascades)
    if report.post_mortem is not None:
        _print_post_mortem(console, report.post_mortem)
    _print_part(console, _table("Who leads in cascades on several venues", report.leads))
    _print_part(console, _table("Hours with gaps, beside what they hold", report.gaps))
    _print_part(console, _table("Rejected, by reason", report.rejected))


def _summary(report: Report) -> str:
    summary, cascades = report.summary, report.cascade_count
    long_share = float(summary["long_usd"]) / float(summary["usd"] or 1)
    return (
        f"{summary['events']:,} liquidations of {dollars(summary['usd'])}, "
        f"{percent(long_share)} of it longs; {summary['exchanges']} venues, "
        f"{summary['symbols']} symbols; largest {dollars(summary['largest_usd'])}; "
        f"{summary['institutional']} of institutional size; {cascades['cascades']} cascades, "
        f"{cascades['open_cascades']} still open.\n"
    )


def _series(report: Report) -> str:
    """Return two rows of bars on one scale."""
    found = {utc(row["start"]): row for row in report.series}
    starts = report.period.starts
    step = report.period.step_seconds
    rows = [found.get(start) for start in starts]
    longs = [row["long_usd"] if row else Decimal(0) for row in rows]
    shorts = [row["short_usd"] if row else Decimal(0) for row in rows]
    top = max([*longs, *shorts])
    return "\n".join(
        [
            f"Dollars every {duration(step)}; a full bar is {dollars(top)}",
            f"longs   {_bars(longs, top)}",
            f"shorts  {_bars(shorts, top)}",
            _axis(short_time(starts[0], step), short_time(starts[-1], step), len(starts)),
            "",
        ]
    )


def _bars(values: Sequence[Decimal], top: Decimal) -> str:
    """Return one character per value; every value above 0 is visible."""
    steps = len(BARS) - 1
    return "".join(
        BARS[max(1, round(steps * value / top))] if value > 0 else BARS[0] for value in values
    )


def _axis(first: str, last: str, width: int) -> str:
    return f"        {first}{last.rjust(max(0, width - len(first)))}"


def _heat_map(report: Report) -> Text:
    levels = [(row["price_level"], utc(row["start"]), row["usd"]) for row in report.levels]
    picture = heat_map(levels, report.period.starts, rows=MAP_ROWS, columns=MAP_COLUMNS)
    text = Text()
    text.append(f"{visible(report.symbol)}: dollars by price level and time\n", style="bold")
    if not picture.levels:
        return text.append("No liquidations of this symbol in the period.\n")
    width = max(len(level(price)) for price in picture.levels)
    for row, price in enumerate(picture.levels):
        text.append(f"{level(price):>{width}} │{_shades(picture, row)}\n")
    step = report.period.step_seconds
    first, last = (short_time(moment, step) for moment in (picture.starts[0], picture.starts[-1]))
    indent = " " * (width - 6)
    text.append(f"{indent}{_axis(first, last, len(picture.starts))}\n")
    text.append(f"{SHADES[1]} up to 1 % of █, {dollars(picture.largest_usd)}\n")
    return text


def _shades(picture: HeatMap, row: int) -> str:
    steps = len(SHADES) - 1
    heats = [picture.heat(row, column) for column in range(len(picture.starts))]
    return "".join(SHADES[max(1, round(heat * steps))] if heat else SHADES[0] for heat in heats)


def _hours(rows: Rows) -> str:
    found = {row["hour_of_day"]: row["mean_usd"] for row in rows}
    means = [found.get(hour, Decimal(0)) for hour in range(24)]
    bars = "".join(bar * 2 for bar in _bars(means, max(means)))
    hours = "".join(f"{hour:02}".ljust(2 * HOURS_APART) for hour in range(0, 24, HOURS_APART))
    title = "Mean dollars a day by hour of the day (UTC); a full bar is"
    return f"{title} {dollars(max(means))}\n        {bars}\n        {hours}\n"


def _print_post_mortem(console: Console, post_mortem: PostMortem) -> None:
    cascade = post_mortem.cascade
    seconds = sorted(post_mortem.seconds, key=lambda row: -row["value_usd"])[:COUNTED_SECONDS]
    console.print(
        f"The largest cascade: {visible(cascade['asset'])} {cascade['side']},"
        f" {clock(cascade['started_at'])}, {cascade['events']:,} liquidations of"
        f" {dollars(cascade['usd'])} (risk {cascade['risk']:.0f}); id {cascade['cascade_id']}\n",
        style="bold",
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )
    _print_part(console, _table("Its venues", post_mortem.venues))
    in_order = sorted(seconds, key=lambda row: row["second"])
    _print_part(console, _table("Its heaviest seconds", in_order))


def _table(title: str, rows: Rows, columns: Sequence[str] = ()) -> Table | None:
    if not rows:
        return None
    names = columns or tuple(rows[0])
    return table_of(names, [[row[name] for name in names] for row in rows], title)


def _print_part(console: Console, part: Table | str | None) -> None:
    if part is not None:
        console.print(part, highlight=False)
        if isinstance(part, Table):
            console.print()
