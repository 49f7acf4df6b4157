"""The market of some days, and the post-mortem of a cascade: a marimo notebook.

    marimo run docs/notebooks/market.py      # read it
    marimo edit docs/notebooks/market.py     # change it

It asks the ClickHouse of CLICKHOUSE_URL as CLICKHOUSE_USER with CLICKHOUSE_PASSWORD, and reads
CLICKHOUSE_DATABASE.
"""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import os
    from urllib.parse import urlsplit

    import clickhouse_connect
    import marimo as mo
    import matplotlib as mpl
    import polars as pl
    from matplotlib.figure import Figure

    # Text stays text, and the same data give the same bytes.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "liquidations"})
    LONG, SHORT = "#c0392b", "#2980b9"
    return Figure, LONG, SHORT, clickhouse_connect, mo, os, pl, urlsplit


@app.cell
def _(clickhouse_connect, os, urlsplit):
    _url = urlsplit(os.environ.get("CLICKHOUSE_URL", "http://127.0.0.1:8123"))
    client = clickhouse_connect.get_client(
        host=_url.hostname,
        port=_url.port,
        interface=_url.scheme,
        username=os.environ.get("CLICKHOUSE_USER", "default"),
        password=os.environ.get("CLICKHOUSE_PASSWORD", ""),
        database=os.environ.get("CLICKHOUSE_DATABASE", "liquidations"),
    )

    def ask(sql, **parameters):
        """Return an answer as a polars frame."""
        return client.query_df_arrow(sql, parameters=parameters, dataframe_library="polars")

    return (ask,)


@app.cell
def _(ask, mo):
    # The three days up to the newest liquidation.
    _newest = ask("SELECT toString(toDate(max(timestamp))) AS day FROM liquidation_events")["day"][
        0
    ]
    period = ask(
        "SELECT toDateTime64({day:Date}, 3, 'UTC') - INTERVAL 2 DAY AS since,"
        " toDateTime64({day:Date}, 3, 'UTC') + INTERVAL 1 DAY AS until",
        day=_newest,
    ).row(0, named=True)
    mo.md(f"# Liquidations, {period['since']:%Y-%m-%d} to {period['until']:%Y-%m-%d} (UTC)")
    return (period,)


@app.cell
def _(ask, period):
    hours = ask(
        "SELECT toDateTime64(hour, 3, 'UTC') AS time, toFloat64(sumIf(value_usd, side = 'LONG')) AS longs,"
        " toFloat64(sumIf(value_usd, side = 'SHORT')) AS shorts FROM liquidation_hours"
        " WHERE hour >= {since:DateTime64(3)} AND hour < {until:DateTime64(3)} GROUP BY time ORDER BY time",
        **period,
    )
    venues = ask(
        "SELECT exchange, published, events, toFloat64(value_usd) AS usd, estimate_usd, usd_share"
        " FROM venue_audit(since = {since:DateTime64(3)}, until = {until:DateTime64(3)}) ORDER BY usd DESC",
        **period,
    )
    levels = ask(
        "WITH (SELECT topKWeighted(1)(symbol, toUInt64(value_usd)) FROM liquidation_events"
        " WHERE timestamp >= {since:DateTime64(3)} AND timestamp < {until:DateTime64(3)})[1] AS busiest"
        " SELECT symbol, toDateTime64(hour, 3, 'UTC') AS time, toFloat64(price_level) AS level, toFloat64(sum(value_usd)) AS usd"
        " FROM price_level_hours"
        " WHERE symbol = busiest AND hour >= {since:DateTime64(3)} AND hour < {until:DateTime64(3)}"
        " GROUP BY symbol, time, level ORDER BY time, level",
        **period,
    )
    return hours, levels, venues


@app.cell
def _(mo, venues):
    mo.vstack([mo.md("## Venues"), mo.ui.table(venues, selection=None)])
    return


@app.cell
def _(Figure, LONG, SHORT, hours, levels):
    overview = Figure(figsize=(10, 7), layout="constrained")
    _bars, _map = overview.subplots(2, 1, sharex=True)
    _width = 1 / 26
    _bars.bar(hours["time"], hours["longs"] / 1e6, _width, color=LONG, label="longs")
    _bars.bar(hours["time"], -hours["shorts"] / 1e6, _width, color=SHORT, label="shorts")
    _bars.axhline(0, color="black", linewidth=0.6)
    _bars.set_ylabel("million USD an hour")
    _bars.legend(frameon=False)
    _bars.set_title("Liquidated positions")
    _map.scatter(
        levels["time"], levels["level"], s=levels["usd"] ** 0.5 / 8, color="#8e44ad", alpha=0.5
    )
    _map.set_title(f"{levels['symbol'][0]}: where it was liquidated (area: dollars)")
    _map.set_ylabel("price level")
    overview
    return (overview,)


@app.cell
def _(ask, mo, period):
    cascades = ask(
        "SELECT cascade_id, if(asset = '', 'market', asset) AS asset, toString(side) AS side,"
        " started_at, event_count AS events, toFloat64(total_value_usd) AS usd, risk_score"
        " FROM cascades_latest WHERE started_at >= {since:DateTime64(3)} AND started_at < {until:DateTime64(3)}"
        " ORDER BY usd DESC LIMIT 10",
        **period,
    )
    mo.stop(cascades.is_empty(), mo.md("No cascade started in this period."))
    _names = {
        f"{row['asset']} {row['side']} {row['started_at']:%m-%d %H:%M:%S}": row["cascade_id"]
        for row in cascades.iter_rows(named=True)
    }
    chosen = mo.ui.dropdown(_names, value=next(iter(_names)), label="Cascade")
    mo.vstack([mo.md("## A cascade's post-mortem"), chosen, mo.ui.table(cascades, selection=None)])
    return cascades, chosen


@app.cell
def _(ask, cascades, chosen, pl):
    cascade = cascades.filter(pl.col("cascade_id") == chosen.value).row(0, named=True)
    seconds = ask(
        "SELECT toDateTime64(second, 3, 'UTC') AS time, events, toFloat64(value_usd) AS usd"
        " FROM cascade_seconds(cascade_id = {id:String}) ORDER BY time",
        id=chosen.value,
    )
    path = ask(
        "SELECT concat(exchange, ', ', price_kind) AS series, toDateTime64(second, 3, 'UTC') AS time,"
        " toFloat64(price_last) AS price"
        " FROM cascade_price_path(cascade_id = {id:String}) ORDER BY series, time",
        id=chosen.value,
    )
    return cascade, path, seconds


@app.cell
def _(Figure, LONG, SHORT, cascade, path, seconds):
    post_mortem = Figure(figsize=(10, 6), layout="constrained")
    _dollars, _prices = post_mortem.subplots(2, 1, sharex=True)
    _color = LONG if cascade["side"] == "LONG" else SHORT
    _dollars.step(seconds["time"], seconds["usd"].cum_sum() / 1e6, where="post", color=_color)
    _dollars.scatter(seconds["time"], seconds["usd"].cum_sum() / 1e6, s=8, color=_color)
    _dollars.set_ylabel("million USD so far")
    _dollars.set_title(
        f"{cascade['asset']} {cascade['side']}, {cascade['started_at']:%Y-%m-%d %H:%M:%S}:"
        f" {cascade['events']} liquidations, ${cascade['usd'] / 1e6:.2f}M"
    )
    for (_name,), _rows in path.group_by("series", maintain_order=True):
        _prices.plot(_rows["time"], _rows["price"], marker=".", linewidth=0.8, label=_name)
    _prices.set_ylabel("price, by venue and kind")
    _prices.legend(frameon=False, fontsize=8)
    post_mortem
    return (post_mortem,)


@app.cell
def _(ask, period):
    study = ask(
        "SELECT study_window, avgIf(usd, draw = 0) AS around_cascades, avgIf(usd, draw > 0) AS at_random"
        " FROM (SELECT study_window, draw, 60 * toFloat64(same_side_usd) / seconds AS usd"
        " FROM cascade_study(since = {since:DateTime64(3)}, until = {until:DateTime64(3)}))"
        " GROUP BY study_window",
        **period,
    )
    return (study,)


@app.cell
def _(Figure, study):
    _order = [
        "30 min before",
        "5 min before",
        "during",
        "1 min after",
        "5 min after",
        "30 min after",
    ]
    _rows = {row["study_window"]: row for row in study.iter_rows(named=True)}
    around = Figure(figsize=(10, 3.5), layout="constrained")
    _axes = around.subplots()
    for _shift, (_column, _label) in enumerate(
        (("around_cascades", "around cascades"), ("at_random", "at random times"))
    ):
        _axes.bar(
            [place + 0.4 * _shift for place in range(len(_order))],
            [max(_rows[name][_column], 1) if name in _rows else 1 for name in _order],
            0.38,
            label=_label,
        )
    _axes.set_yscale("log")
    _axes.set_xticks([place + 0.2 for place in range(len(_order))], _order)
    _axes.set_ylabel("USD a minute, same side")
    _axes.set_title("What happens around a cascade")
    _axes.legend(frameon=False)
    around
    return (around,)


if __name__ == "__main__":
    app.run()
