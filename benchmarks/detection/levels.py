"""The correctness and timeliness of announced levels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from liq.processors.backtesting.dollars import MARKET
from liq.processors.cascades.cascade import level_of
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.engine import CascadeEngine
from liq.processors.cascades.observation import Observation
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Level, Side

LATE_MS: Final = 2_000
LEVELS: Final = (Level.MINOR, Level.MODERATE, Level.MAJOR, Level.EXTREME)
# The end of the second in which a cascade first had a level, by cascade and level.
Reached = dict[tuple[str, int], int]


@dataclass(slots=True)
class LevelTally:
    """Counts of announced levels.

    `untold` cascades ended on a level above all that their messages announced. A `stale` message
    announces another level than that of its own score. `late_ms` has, for each reached level above
    the start's, the delay until a message announced it or a higher one. Levels without such a
    message count as `untold_steps`.
    """

    cascades: int = 0
    untold: int = 0
    escalations: int = 0
    stale: int = 0
    late_ms: list[int] = field(default_factory=list)
    untold_steps: int = 0

    @property
    def late(self) -> int:
        """The number of levels that were announced more than two seconds late."""
        return sum(delay > LATE_MS for delay in self.late_ms)

    def add(self, alerts: Sequence[CascadeAlert], reached: Reached) -> None:
        """Count the cascades of a log; a message is a record with `notify`."""
        told: dict[str, list[CascadeAlert]] = {}
        for alert in alerts:
            if alert.type in (AlertType.DETECTED, AlertType.ESCALATED) and alert.notify:
                told.setdefault(alert.cascade_id, []).append(alert)
                is_escalation = alert.type is AlertType.ESCALATED
                self.escalations += is_escalation
                self.stale += is_escalation and level_of(alert.risk_score) != _rank(alert)
            elif alert.type is AlertType.ENDED and alert.cascade_id in told:
                self.cascades += 1
                self.untold += _rank(alert) > max(map(_rank, told[alert.cascade_id]))
        for (cascade_id, level), at_ms in reached.items():
            messages = told.get(cascade_id)
            if messages is None or level <= _rank(messages[0]):
                continue
            named = [alert.timestamp_ms for alert in messages if _rank(alert) >= level]
            if named:
                self.late_ms.append(max(0, min(named) - at_ms))
            else:
                self.untold_steps += 1


def _rank(alert: CascadeAlert) -> int:
    return LEVELS.index(alert.level)


def alerts_and_levels(
    observations: Iterable[Observation], config: DetectorConfig | None = None
) -> tuple[list[CascadeAlert], Reached]:
    """Return the records of a log, and the time at which each cascade reached each level.

    Records do not contain these times, so the detector's state is inspected after every second with
    events. A heartbeat ends that second, as in the workers.
    """
    engine = CascadeEngine(config or DetectorConfig())
    alerts: list[CascadeAlert] = []
    running: dict[tuple[str, Side], str] = {}
    reached: Reached = {}
    offsets = count()
    for event in observations:
        clock_ms = engine.partition.clock_ms
        if clock_ms and event.received_at_ms >= clock_ms + 2 * SECOND_MS:
            ended = engine.heartbeat(clock_ms + SECOND_MS, next(offsets))
            alerts += ended
            _look(engine, ended, running, reached)
            clock_ms = 0
        made = engine.observe(event, next(offsets))
        alerts += made
        if engine.partition.clock_ms != clock_ms:
            _look(engine, made, running, reached)
    return alerts + engine.finish(), reached


def _look(
    engine: CascadeEngine,
    made: Iterable[CascadeAlert],
    running: dict[tuple[str, Side], str],
    reached: Reached,
) -> None:
    """Record the levels that running cascades have reached; `made` are the newest records."""
    for alert in made:
        if alert.type is AlertType.DETECTED:
            running[alert.asset, alert.side] = alert.cascade_id
            reached.setdefault((alert.cascade_id, _rank(alert)), alert.timestamp_ms)
    for (base, side), cascade_id in list(running.items()):
        if base == MARKET:
            cascade = engine.market.state.lanes[side].cascade
        else:
            assets = engine.partition._assets  # noqa: SLF001 - nothing public says what is open
            cascade = assets[base].state.lanes[side].cascade
        if cascade is None:
            del running[base, side]
            continue
        key = (cascade_id, level_of(cascade.peak.score))
        reached.setdefault(key, (cascade.peak.tick + 1) * SECOND_MS)
