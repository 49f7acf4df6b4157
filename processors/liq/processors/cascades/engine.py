"""Asset and market detection together, for a log that one reader reads in one piece."""

from collections.abc import Iterable, Sequence

from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.observation import EventView, Observation, view_event
from liq.processors.cascades.partition import Made, PartitionDetector
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType

ONLY_SOURCE = 0


class CascadeEngine:
    """The detectors of a whole log: events in log order yield the alerts that workers publish.

    Each partition of the log (a "source") has its own detector, as in the workers, because a
    detector learns the state of venues from one partition's records. A log with unknown partitions
    counts as one partition.

    Order of the alerts of one record: first those of single assets, by time and asset; then those
    of the market, second by second. Within a second, each start of a market cascade precedes the
    links of its children, and links of joining cascades come last. So a link follows both the
    record that it repeats and the start of its parent. Workers publish the same set of records, but
    in order only within one cascade and stage.
    """

    def __init__(self, config: DetectorConfig, sources: Sequence[int] = (ONLY_SOURCE,)) -> None:
        """Start with an empty detector for each partition in `sources`."""
        self._config = config
        self._detectors = {source: PartitionDetector(config) for source in sources}
        self.market = MarketDetector(config, sources)

    @property
    def partition(self) -> PartitionDetector:
        """The detector of the first partition."""
        return next(iter(self._detectors.values()))

    def detector(self, source: int) -> PartitionDetector:
        """Return the detector of a partition, creating it at first use."""
        known = self._detectors.get(source)
        if known is None:
            known = self._detectors[source] = PartitionDetector(self._config)
        return known

    def apply(self, event: Liquidation, offset: int) -> list[CascadeAlert]:
        """Apply the liquidation at an offset."""
        return self.apply_view(view_event(event), offset)

    def apply_view(
        self, view: EventView, offset: int, source: int = ONLY_SOURCE
    ) -> list[CascadeAlert]:
        """Apply the view of the liquidation at an offset of a partition."""
        detector = self.detector(source)
        before_ms = detector.clock_ms
        return self.judge(before_ms, detector.apply_view(view, offset), source)

    def observe(self, event: Observation, offset: int) -> list[CascadeAlert]:
        """Apply a plausible liquidation at an offset of the only partition."""
        before_ms = self.partition.clock_ms
        return self.judge(before_ms, self.partition.observe(event, offset), ONLY_SOURCE)

    def heartbeat(
        self, clock_ms: int, offset: int, blind: Iterable[str] = (), source: int = ONLY_SOURCE
    ) -> list[CascadeAlert]:
        """Advance a partition's clock to the heartbeat at an offset, and return what is due.

        `blind` are the venues that the heartbeat names.
        """
        detector = self.detector(source)
        before_ms = detector.clock_ms
        return self.judge(before_ms, detector.heartbeat(clock_ms, offset, blind), source)

    def finish(self) -> list[CascadeAlert]:
        """Decide all pending ticks and end all cascades, at the end of a log."""
        alerts: list[CascadeAlert] = []
        for source, detector in self._detectors.items():
            before_ms = detector.clock_ms
            alerts += self._told(before_ms, detector.finish(), source)
        return [*sorted(alerts, key=_place), *self.market.finish()]

    def judge(self, before_ms: int, made: list[Made], source: int) -> list[CascadeAlert]:
        """Return the alerts among a partition's outputs, then the market's resulting alerts.

        `before_ms` is the partition's clock before these outputs.
        """
        alerts = self._told(before_ms, made, source) if made else []
        clock_ms = self.detector(source).clock_ms
        if clock_ms > before_ms:
            alerts += self.market.heartbeat(clock_ms, source)
        return alerts

    def _told(self, before_ms: int, made: list[Made], source: int) -> list[CascadeAlert]:
        """Pass a partition's outputs to the market; return the alerts among them, in order."""
        alerts: list[CascadeAlert] = []
        for item in made:
            if isinstance(item, CascadeAlert):
                alerts.append(item)
                if item.type is AlertType.WATCH:
                    continue
            self.market.add(item, before_ms, source)
        return sorted(alerts, key=_place)


def _place(alert: CascadeAlert) -> tuple[int, str, str]:
    return alert.timestamp_ms, alert.asset, alert.side
