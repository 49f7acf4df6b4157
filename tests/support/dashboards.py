"""The committed dashboards: their panels, and their queries without Grafana's macros."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.support.paths import ROOT

FOLDER: Final = ROOT / "deploy" / "grafana" / "dashboards"
#: The values in place of Grafana's variables.
PROM_VARIABLES: Final = {
    "$__rate_interval": "1m",
    "$exchange": ".*",
    "$instance": ".*",
    "$job": "detect",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A panel's query to Prometheus or ClickHouse."""

    panel: str
    datasource: str
    text: str


def boards() -> dict[str, dict[str, Any]]:
    """Return every committed dashboard by file name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard without its headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries() -> Iterator[Query]:
    """Yield the queries of every panel."""
    for name, board in boards().items():
        for panel in panels(board):
            for target in panel["targets"]:
                text = target.get("expr") or target["rawSql"]
                yield Query(f"{name}: {panel['title']}", target["datasource"]["uid"], text)


def promql(text: str) -> str:
    """Return an expression with values in place of Grafana's variables."""
    for name, value in PROM_VARIABLES.items():
        text = text.replace(name, value)
    return text


def sql(text: str, since: str, until: str) -> str:
    """Return a query as the ClickHouse plugin sends it for a range of times (UTC)."""
    return re.sub(
        r"\$__timeFilter\(([^)]*)\)",
        rf"\1 >= toDateTime('{since}', 'UTC') AND \1 <= toDateTime('{until}', 'UTC')",
        text,
    )
