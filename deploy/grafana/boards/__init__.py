"""Grafana's dashboards as code: `make dashboards` writes their JSON."""

from pathlib import Path
from typing import Final

from deploy.grafana.boards import cascades, clickhouse, pipeline, venues, worker
from deploy.grafana.boards.parts import Board, build

DASHBOARDS: Final = Path(__file__).parents[1] / "dashboards"
BOARDS: Final[tuple[Board, ...]] = (
    pipeline.BOARD,
    venues.BOARD,
    cascades.BOARD,
    clickhouse.BOARD,
    worker.BOARD,
)

__all__ = ["BOARDS", "DASHBOARDS", "Board", "build"]
