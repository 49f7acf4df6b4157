"""Asset and market detection together, for a log that one reader reads in one piece."""

from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.observation import EventView, Observation, view_event
from liq.processors.cascades.partition import Made, PartitionDetector
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType

ONLY_SOURCE = 0


class CascadeEngine:
    """Turns events in log order into the alerts that the workers would publish for them.

    Order: what a record of the log lets single assets decide comes first, by time and asset; then
    what the seconds that it completes let the market decide, second by second: the market's
    records, each start followed by the links of its children, then links of cascades that join. So
    a link comes after the record that it repeats and after the start of its parent. Workers publish
    the same set of records; theirs arrive in order within one cascade and stage only.
    """

    def __init__(self, config: DetectorConfig) -> None:
        """Start with nothing known."""
        self.partition = PartitionDetector(config)
        self.market = MarketDetector(config, [ONLY_SOURCE])
        self._judged_ms = 0

    def apply(self, event: Liquidation, offset: int) -> list[CascadeAlert]:
        """Apply the liquidation at an offset."""
        return self.apply_view(view_event(event), offset)

    def apply_view(self, view: EventView, offset: int) -> list[CascadeAlert]:
        """Apply what the detector looks at of the liquidation at an offset."""
        clock_ms = self.partition.clock_ms
        return self._judge(clock_ms, self.partition.apply_view(view, offset))

    def observe(self, event: Observation, offset: int) -> list[CascadeAlert]:
        """Apply what the detector looks at of a plausible liquidation."""
        clock_ms = self.partition.clock_ms
        return self._judge(clock_ms, self.partition.observe(event, offset))

    def heartbeat(self, clock_ms: int, offset: int) -> list[CascadeAlert]:
        """Decide what is due now that the log, at an offset, has reached a time."""
        before_ms = self.partition.clock_ms
        return self._judge(before_ms, self.partition.heartbeat(clock_ms, offset))

    def finish(self) -> list[CascadeAlert]:
        """Decide and end everything, for a log that will not go on."""
        clock_ms = self.partition.clock_ms
        return [*self._judge(clock_ms, self.partition.finish()), *self.market.finish()]

    def _judge(self, before_ms: int, made: list[Made]) -> list[CascadeAlert]:
        alerts = sorted((item for item in made if isinstance(item, CascadeAlert)), key=_place)
        for item in made:
            if not isinstance(item, CascadeAlert) or item.type is not AlertType.WATCH:
                self.market.add(item, before_ms, ONLY_SOURCE)
        clock_ms = self.partition.clock_ms
        if clock_ms > self._judged_ms:
            self._judged_ms = clock_ms
            alerts += self.market.heartbeat(clock_ms, ONLY_SOURCE)
        return alerts


def _place(alert: CascadeAlert) -> tuple[int, str, str]:
    return alert.timestamp_ms, alert.asset, alert.side
