"""What all dashboards are made of: graphs, numbers and tables of Prometheus and ClickHouse.

Every panel has a sentence, a unit and queries; `build` gives Grafana's JSON. Positions follow from
the order: a row of Grafana is 24 wide.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
)

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="liq-prometheus")
CLICKHOUSE: Final = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="liq-clickhouse")
#: Of the ClickHouse plugin: what `format` of a query stands for.
TIME_SERIES, TABLE = 0, 1
PLUGIN_VERSION: Final = "4.11.0"
HEIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Prom:
    """A question to Prometheus, and what its series are called (`{{label}}` is filled in)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: its kind is that of the class; `warn_from` and `alarm_from` colour its values."""

    title: str
    sentence: str
    unit: str
    queries: Sequence[Prom] = ()
    sql: str = ""
    span: int = 12
    height: int = HEIGHT
    warn_from: float | None = None
    alarm_from: float | None = None


class Graph(Panel):
    """Lines over time."""


class Bars(Panel):
    """Stacked bars over time."""


class Number(Panel):
    """The newest value of each series."""


class Table(Panel):
    """Rows of ClickHouse."""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading, and the panels under it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable: values of a label in Prometheus, several at once unless `is_single`."""

    name: str
    query: str
    is_single: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; `uid` is its file's name and its place in Grafana's addresses."""

    uid: str
    title: str
    sentence: str
    rows: Sequence[Row]
    choices: Sequence[Choice] = ()
    since: str = "now-3h"


class _ClickHouseQuery(Dataquery):
    """A query of Grafana's ClickHouse plugin, for which the SDK has no class."""

    def __init__(self, sql: str, shape: int) -> None:
        self._sql, self._shape = sql, shape

    def to_json(self) -> dict[str, object]:
        """Return what the plugin stores."""
        return {
            "refId": "A",
            "datasource": CLICKHOUSE,
            "editorType": "sql",
            "queryType": "timeseries" if self._shape == TIME_SERIES else "table",
            "format": self._shape,
            "rawSql": self._sql,
            "pluginVersion": PLUGIN_VERSION,
        }


class _Built(Builder[Dataquery]):
    def __init__(self, query: Dataquery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        return self._query


def build(board: Board) -> str:
    """Return a dashboard as Grafana's JSON, the same at every run."""
    made = (
        builders.Dashboard(board.title)
        .uid(f"liq-{board.uid}")
        .description(board.sentence)
        .tags(["liquidation-engine"])
        .timezone("utc")
        .time(board.since, "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            builders.DashboardLink("liquidation-engine")
            .type("dashboards")  # type: ignore[arg-type] # the SDK's own enum is not exported
            .tags(["liquidation-engine"])
            .as_dropdown(True)  # noqa: FBT003 - the SDK's words
            .include_vars(False)  # noqa: FBT003
            .keep_time(True)  # noqa: FBT003
        )
    )
    for choice in board.choices:
        made = made.with_variable(_variable(choice))
    number = 0
    for row in board.rows:
        made = made.with_row(builders.Row(row.title))
        for panel in row.panels:
            number += 1
            made = made.with_panel(_panel(panel).id(number))
    return json.dumps(made.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _variable(choice: Choice) -> Any:
    variable = (
        builders.QueryVariable(choice.name).datasource(PROMETHEUS).query(choice.query).refresh(2)  # type: ignore[arg-type] # at every change of the time range
    )
    if choice.is_single:
        return variable
    every = VariableOption(text="All", value="$__all", selected=True)
    return variable.multi(True).include_all(True).all_value(".*").current(every)  # noqa: FBT003


def _panel(panel: Panel) -> Any:
    if isinstance(panel, Number):
        made: Any = stat.Panel().graph_mode(common.BigValueGraphMode.AREA)
        made = made.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    elif isinstance(panel, Table):
        made = table.Panel()
    else:
        made = timeseries.Panel().show_points(common.VisibilityMode.NEVER)
        made = made.legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003
        ).tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        if isinstance(panel, Bars):
            made = (
                made.draw_style(common.GraphDrawStyle.BARS)
                .fill_opacity(80)
                .stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
            )
    made = made.title(panel.title).description(panel.sentence).span(panel.span)
    made = made.height(panel.height).unit(panel.unit)
    limits = ((None, "green"), (panel.warn_from, "orange"), (panel.alarm_from, "red"))
    steps = [
        Threshold(value=value, color=color)
        for value, color in limits
        if value is not None or color == "green"
    ]
    made = made.thresholds(builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.sql:
        shape = TABLE if isinstance(panel, Table | Number) else TIME_SERIES
        query = _ClickHouseQuery(panel.sql.strip(), shape)
        return made.datasource(CLICKHOUSE).with_target(_Built(query))
    made = made.datasource(PROMETHEUS)
    for letter, prom in zip("ABCDEFGH", panel.queries, strict=False):
        made = made.with_target(
            prometheus.Dataquery()
            .datasource(PROMETHEUS)
            .expr(prom.expr)
            .legend_format(prom.legend)
            .ref_id(letter)
        )
    return made
