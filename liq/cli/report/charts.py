"""The report's charts, as SVG."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from liq.cli.report.answers import PostMortem, Report, Row, Rows, clock, utc
from liq.cli.report.heat_map import heat_map
from liq.cli.report.svg import MARGIN_LEFT, MARGIN_TOP, Drawing, Scale, every_nth, ticks
from liq.cli.report.wording import dollars, level, percent, short_time

WIDTH = 960
TIME_LABELS = 8
MAP_ROWS = 30
MAP_COLUMNS = 96
ROW_HEIGHT = 14
GAP = 1.0
LINE_COLOURS = 5


def long_short_series(report: Report) -> str:
    """Draw dollars of longs above the axis, of shorts below it."""
    drawing = Drawing(WIDTH, 300, "Dollars of liquidated longs and shorts over time")
    found = {utc(row["start"]): row for row in report.series}
    starts = report.period.starts
    longs = max((float(row["long_usd"]) for row in report.series), default=0.0)
    shorts = max((float(row["short_usd"]) for row in report.series), default=0.0)
    y = Scale(-shorts, longs, drawing.bottom, MARGIN_TOP)
    for value in ticks(-shorts, longs, 6):
        drawing.line(MARGIN_LEFT, y(value), WIDTH - 16, y(value), "axis" if value == 0 else "grid")
        drawing.text(MARGIN_LEFT - 6, y(value) + 4, dollars(abs(value)), "end")
    slot = drawing.plot_width / len(starts)
    for number, start in enumerate(starts):
        if (row := found.get(start)) is None:
            continue
        left = MARGIN_LEFT + number * slot
        for side, sign in (("long", 1), ("short", -1)):
            value = float(row[f"{side}_usd"])
            top, end = sorted((y(sign * value), y(0)))
            title = f"{clock(start)}: {dollars(value)} {side}s; {row['events']:,} liquidations"
            if value > 0:
                drawing.rect(left, top, _bar(slot), max(end - top, 1), side, title)
    _time_labels(drawing, [short_time(start, report.period.step_seconds) for start in starts])
    return drawing.markup()


def long_share(report: Report) -> str:
    """Draw the longs' share of the dollars, without points for steps without liquidations."""
    drawing = Drawing(WIDTH, 130, "Share of longs over time")
    found = {utc(row["start"]): row for row in report.series}
    starts = report.period.starts
    y = Scale(0, 1, drawing.bottom, MARGIN_TOP)
    for value in (0, 0.5, 1):
        drawing.line(MARGIN_LEFT, y(value), WIDTH - 16, y(value))
        drawing.text(MARGIN_LEFT - 6, y(value) + 4, percent(value), "end")
    slot = drawing.plot_width / len(starts)
    for number, start in enumerate(starts):
        row = found.get(start)
        total = float(row["long_usd"] + row["short_usd"]) if row else 0.0
        if row is None or total == 0:
            continue
        share = float(row["long_usd"]) / total
        title = f"{clock(start)}: {percent(share)} of {dollars(total)}"
        left = MARGIN_LEFT + number * slot
        drawing.rect(left, y(share), _bar(slot), y(0) - y(share), "long", title)
        drawing.rect(left, y(1), _bar(slot), y(share) - y(1), "short", title)
    _time_labels(drawing, [short_time(start, report.period.step_seconds) for start in starts])
    return drawing.markup()


def levels(report: Report) -> str:
    """Draw price levels by time; darker cells have more dollars."""
    cells = [(row["price_level"], utc(row["start"]), row["usd"]) for row in report.levels]
    picture = heat_map(cells, report.period.starts, rows=MAP_ROWS, columns=MAP_COLUMNS)
    height = len(picture.levels) * ROW_HEIGHT + MARGIN_TOP + 26
    drawing = Drawing(WIDTH, height, f"Dollars by price level and time, {report.symbol}")
    slot = drawing.plot_width / max(1, len(picture.starts))
    for row, price in enumerate(picture.levels):
        top = MARGIN_TOP + row * ROW_HEIGHT
        drawing.rect(MARGIN_LEFT, top, drawing.plot_width, ROW_HEIGHT - GAP, "empty")
        drawing.text(MARGIN_LEFT - 6, top + 11, level(price), "end")
        for column, start in enumerate(picture.starts):
            if heat := picture.heat(row, column):
                usd = dollars(picture.usd[row, column])
                title = f"{clock(start)}, level {level(price)}: {usd}"
                left = MARGIN_LEFT + column * slot
                shade = {"fill-opacity": f"{heat:.2f}"}
                drawing.rect(left, top, _bar(slot), ROW_HEIGHT - GAP, "heat", title, **shade)
    step = report.period.step_seconds
    _time_labels(drawing, [short_time(start, step) for start in picture.starts])
    return drawing.markup()


def sizes(rows: Rows) -> str:
    """Draw two bars for each size: its share of the liquidations, and of the dollars."""
    drawing = Drawing(WIDTH / 2, 240, "Share of liquidations and of dollars by size")
    events = sum(row["events"] for row in rows)
    usd = float(sum(row["usd"] for row in rows)) or 1.0
    shares = [(row["events"] / events, float(row["usd"]) / usd) for row in rows]
    highest = max(chain.from_iterable(shares))
    y = Scale(0, highest, drawing.bottom, MARGIN_TOP)
    _share_grid(drawing, y)
    slot = drawing.plot_width / len(rows)
    for number, (row, (of_events, of_usd)) in enumerate(zip(rows, shares, strict=True)):
        left = MARGIN_LEFT + number * slot + 3
        bar = (slot - 8) / 2
        size = f"from {dollars(row['from_usd'])}"
        by_count = f"{size}: {row['events']:,} liquidations, {percent(of_events)}"
        by_usd = f"{size}: {dollars(row['usd'])}, {percent(of_usd)}"
        drawing.rect(left, y(of_events), bar, y(0) - y(of_events), "muted", by_count)
        drawing.rect(left + bar + 1, y(of_usd), bar, y(0) - y(of_usd), "accent", by_usd)
        drawing.text(left + slot / 2 - 3, drawing.bottom + 16, f"≥{dollars(row['from_usd'])}")
    return drawing.markup()


def hours_of_day(rows: Rows) -> str:
    """Draw mean dollars a day by hour of the day."""
    drawing = Drawing(WIDTH / 2, 240, "Mean dollars a day by hour of the day, UTC")
    means = {row["hour_of_day"]: float(row["mean_usd"]) for row in rows}
    y = Scale(0, max(means.values()), drawing.bottom, MARGIN_TOP)
    _dollar_grid(drawing, y)
    slot = drawing.plot_width / 24
    for hour, mean in means.items():
        left = MARGIN_LEFT + hour * slot
        title = f"{hour:02}:00 to {hour:02}:59: {dollars(mean)} a day"
        drawing.rect(left, y(mean), _bar(slot), y(0) - y(mean), "accent", title)
    for hour in range(0, 24, 3):
        drawing.text(MARGIN_LEFT + (hour + 0.5) * slot, drawing.bottom + 16, f"{hour:02}")
    return drawing.markup()


def cascade_seconds(post_mortem: PostMortem) -> str:
    """Draw the dollars of each second of a cascade."""
    drawing = Drawing(WIDTH, 180, "Dollars of each second")
    start = utc(post_mortem.cascade["started_at"]).replace(microsecond=0)
    rows = {int((utc(row["second"]) - start).total_seconds()): row for row in post_mortem.seconds}
    length = max(rows, default=0) + 1
    y = Scale(0, max(float(row["value_usd"]) for row in rows.values()), drawing.bottom, MARGIN_TOP)
    _dollar_grid(drawing, y)
    slot = drawing.plot_width / length
    for second, row in rows.items():
        value = float(row["value_usd"])
        title = f"{clock(row['second'])}: {dollars(value)}, {row['events']:,} liquidations"
        left = MARGIN_LEFT + second * slot
        height = max(y(0) - y(value), 1)
        kind = "long" if post_mortem.cascade["side"] == "LONG" else "short"
        drawing.rect(left, y(0) - height, _bar(slot), height, kind, title)
    _time_labels(drawing, [f"+{second} s" for second in range(length)])
    return drawing.markup()


def cascade_prices(post_mortem: PostMortem) -> str:
    """Draw the price path, with a line for each venue and kind of price."""
    drawing = Drawing(WIDTH, 200, "Prices of liquidations, by venue and kind of price")
    start = utc(post_mortem.cascade["started_at"]).replace(microsecond=0)
    paths: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in post_mortem.prices:
        second = (utc(row["second"]) - start).total_seconds()
        paths[price_line(row)].append((second, float(row["price_last"])))
    points = list(chain.from_iterable(paths.values()))
    prices = [price for _, price in points]
    length = max(second for second, _ in points) + 1
    y = Scale(min(prices), max(prices), drawing.bottom - 6, MARGIN_TOP + 6)
    x = Scale(0, length, MARGIN_LEFT, WIDTH - 16)
    for value in ticks(min(prices), max(prices), 5):
        drawing.line(MARGIN_LEFT, y(value), WIDTH - 16, y(value))
        drawing.text(MARGIN_LEFT - 6, y(value) + 4, f"{value:,.6g}", "end")
    for number, (name, path) in enumerate(sorted(paths.items())):
        colour = number % LINE_COLOURS
        drawing.path([(x(second + 0.5), y(price)) for second, price in path], f"line{colour}")
        for second, price in path:
            title = f"+{second:.0f} s: {price:,.10g}, {name}"
            drawing.dot(x(second + 0.5), y(price), f"dot{colour}", title)
    _time_labels(drawing, [f"+{second} s" for second in range(int(length))])
    return drawing.markup()


def price_line(row: Row) -> str:
    """Return the line of the price path for a price: by venue and kind of price."""
    return f"{row['exchange']}, {row['price_kind']}"


def _bar(slot: float) -> float:
    """Return the width of a bar in its slot: without overlap, and always visible."""
    return max(slot - GAP, 0.6 * slot)


def _dollar_grid(drawing: Drawing, y: Scale) -> None:
    for value in ticks(0, y.high, 4):
        drawing.line(MARGIN_LEFT, y(value), drawing.width - 16, y(value))
        drawing.text(MARGIN_LEFT - 6, y(value) + 4, dollars(value), "end")


def _share_grid(drawing: Drawing, y: Scale) -> None:
    for value in ticks(0, y.high, 4):
        drawing.line(MARGIN_LEFT, y(value), drawing.width - 16, y(value))
        drawing.text(MARGIN_LEFT - 6, y(value) + 4, percent(value), "end")


def _time_labels(drawing: Drawing, labels: Sequence[str]) -> None:
    slot = drawing.plot_width / max(1, len(labels))
    for number in every_nth(len(labels), TIME_LABELS):
        drawing.text(MARGIN_LEFT + number * slot, drawing.bottom + 16, labels[number], "start")
