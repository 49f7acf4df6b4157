"""The figures of several configurations side by side, for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from liq.processors.backtesting import Figures

HEADINGS = (
    "messages\na day",
    "asset\ncascades",
    "market\ncascades",
    "dollars\ninside",
    "to come:\nmedian",
    "\nmean",
    "fore-\ncasts",
    "hap-\npened",
    "Brier\nscore",
    "\nskill",
)
EXPLANATION = (
    "dollars inside: share of all dollars within cascades. To come: of the told cascades, the share"
    " of their dollars liquidated after the first message. Forecasts: records with a probability of"
    " as much again within 60 s; skill: by what share better than naming the frequency."
)


def comparison(title: str, first: str, runs: Sequence[tuple[str, Figures]]) -> Table:
    """Return a table of figures with one row per configuration; `first` heads their names."""
    table = Table(title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for name, figures in runs:
        table.add_row(name, *_cells(figures))
    return table


def reliability_table(name: str, figures: Figures) -> Table:
    """Return a table of a configuration's forecasts and the outcomes, by probability."""
    title = f"{name}: what was said of the next minute, and what happened"
    table = Table(title=title, title_justify="left")
    for heading in ("said", "records", "mean said", "happened", "dollars expected", "seen"):
        table.add_column(heading, justify="right")
    for each in figures.bins:
        table.add_row(
            f"{each.low:.2f} to {each.high:.2f}",
            f"{each.records:,}",
            f"{each.said:.2f}",
            f"{each.happened:.2f}",
            f"{each.expected_cents / 100:,.0f}",
            f"{each.more_cents / 100:,.0f}",
        )
    return table


def _cells(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.messages_a_day:.1f}",
        f"{figures.asset_cascades:,}",
        f"{figures.market_cascades:,}",
        f"{figures.inside_share:.0%}",
        _share(figures.to_come_median),
        _share(figures.to_come_mean),
        f"{figures.forecasts:,}",
        _share(figures.happened),
        "-" if figures.brier is None else f"{figures.brier:.4f}",
        _share(figures.brier_skill),
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
