"""Snapshots of open positions: requests them regularly, and publishes their records.

A snapshot that is missed is missed: the next one is complete again. A venue that does not answer is
not asked during the pauses of a circuit breaker.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from liq.producers.history.asker import Asker, AwayError
from liq.producers.history.asking import RefusedError
from liq.producers.history.log import Log
from liq.producers.history.schedule import Schedule
from liq.producers.history.spec import CallLimit
from liq.producers.history.timing import HistoryTiming
from liq.producers.live.clock import Clock, now_ms
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.schemas.records import OpenPosition

MAX_SHOWN: Final = 200

log = get_logger(__name__)


class Snapshot(Protocol):
    """The positions of an answer, and a sentence for each row that was left out."""

    @property
    def positions(self) -> tuple[OpenPosition, ...]:
        """The positions."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The sentences."""


ReadSnapshot = Callable[[str, bytes, int], Snapshot]
"""Returns the snapshot of an exchange's answer, received at a time (ms), or raises ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsSpec:
    """Where a venue lists open positions: the JSON `body` of a POST to `address`.

    `setting` is the environment variable that replaces the address.
    """

    exchange: str
    setting: str
    address: str
    body: bytes
    limit: CallLimit
    every_seconds: float


@dataclass(frozen=True, slots=True)
class PositionSource:
    """A list of positions with its setting applied, and the reader of its answers."""

    spec: PositionsSpec
    address: str
    read: ReadSnapshot


class PositionPoller:
    """Poller of the open positions of one exchange."""

    def __init__(
        self,
        source: PositionSource,
        *,
        asker: Asker,
        timing: HistoryTiming,
        clock: Clock,
        log: Log,
    ) -> None:
        self._source = source
        self._asker = asker
        self._clock = clock
        self._log = log
        self._schedule = Schedule(
            source.spec.every_seconds * timing.delay_scale, timing.breaker, clock
        )

    @property
    def name(self) -> str:
        """Return exchange and kind, for logs."""
        return f"{self._source.spec.exchange}.positions"

    @property
    def is_due(self) -> bool:
        """Whether the next snapshot is due."""
        return self._schedule.is_due

    async def step(self) -> None:
        """Request and publish one snapshot, unless the breaker is open.

        Raises:
            KafkaError: the brokers do not acknowledge a record.
        """
        spec = self._source.spec
        if not self._schedule.begin():
            return
        try:
            answer = await self._asker.post(
                spec.exchange, spec.limit, self._source.address, spec.body
            )
            snapshot = self._source.read(spec.exchange, answer, now_ms(self._clock))
        except AwayError as error:
            self._fail(str(error), at_once=error.is_limited)
            return
        except (RefusedError, ValueError) as error:
            self._fail(str(error))
            return
        self._schedule.succeed()
        self._note_problems(snapshot.problems)
        await self._log.positions(snapshot.positions)

    def _note_problems(self, problems: Iterable[str]) -> None:
        for problem in problems:
            ERRORS.labels("position_unreadable").inc()
            log.debug("position_unreadable", feed=self.name, detail=problem[:MAX_SHOWN])

    def _fail(self, reason: str, *, at_once: bool = False) -> None:
        ERRORS.labels("positions_unanswered").inc()
        log.warning("positions_unanswered", feed=self.name, reason=reason[:MAX_SHOWN])
        self._schedule.fail(at_once=at_once)
