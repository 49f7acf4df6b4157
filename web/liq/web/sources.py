"""The sources of the answers: memory, Kafka's reader and ClickHouse."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from liq.schemas.units import SECOND_MS
from liq.web.access import StreamPlaces
from liq.web.board import Board
from liq.web.history import History
from liq.web.horizon import Horizon, horizon
from liq.web.log_reader import LogReader
from liq.web.window import Window


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of every answer, and the limits on streams."""

    window: Window
    board: Board
    reader: LogReader
    history: History
    places: StreamPlaces
    now_ms: Callable[[], int] = lambda: int(time.time() * SECOND_MS)

    def horizon(self) -> Horizon:
        """Return the current horizon."""
        return horizon(
            now_ms=self.now_ms(),
            clock_ms=self.reader.clock_ms,
            status=self.board.status,
            is_caught_up=self.reader.is_caught_up,
            trouble=self.reader.trouble,
        )
