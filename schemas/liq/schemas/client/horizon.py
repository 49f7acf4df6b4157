"""The newest status of detection, which shows whether silence means a quiet market."""

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, Self

from liq.schemas.client.reader import Reader
from liq.schemas.client.starts import Since
from liq.schemas.records import DetectionStatus
from liq.schemas.units import SECOND_MS

#: A status arrives every five seconds.
DEAD_SECONDS: Final = 20.0
LATE_MS: Final = 30_000
LOOK_BACK_MS: Final = 60_000


class Liveness(StrEnum):
    """The meaning of silence; docs/topics.md explains each value."""

    ALIVE = "alive"
    LATE = "late"
    BLIND = "blind"
    DEAD = "dead"


class Horizon:
    """The detector's horizon; use it in an `async with` statement.

    `options` are those of `Reader`.
    """

    def __init__(
        self, topic: str, *, clock: Callable[[], float] = time.monotonic, **options: Any
    ) -> None:
        start = Since(time.time_ns() // 1_000_000 - LOOK_BACK_MS)
        self._reader = Reader(DetectionStatus, topic, start=start, **options)
        self._clock = clock
        self._heard_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self.status: DetectionStatus | None = None

    async def __aenter__(self) -> Self:
        """Connect, and start reading statuses."""
        await self._reader.__aenter__()
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.__aexit__(*exception)

    @property
    def decided_until_ms(self) -> int | None:
        """The time (UTC, ms) before which everything is decided, for assets and for the market."""
        if self.status is None:
            return None
        until = (self.status.assets_decided_until_ms, self.status.market_decided_until_ms)
        return None if None in until else min(each for each in until if each is not None)

    @property
    def liveness(self) -> Liveness:
        """The present meaning of silence."""
        status = self.status
        if status is None or self._heard_at is None:
            return Liveness.DEAD
        if self._clock() - self._heard_at > DEAD_SECONDS:
            return Liveness.DEAD
        if status.behind_ms is None:
            return Liveness.BLIND
        if status.behind_ms <= LATE_MS:
            return Liveness.ALIVE
        if status.waiting_partitions or status.behind_records:
            return Liveness.LATE
        return Liveness.BLIND

    def note(self, status: DetectionStatus, published_ms: int) -> None:
        """Record a status; `published_ms` (UTC, ms) determines its age."""
        age_seconds = max(0.0, time.time() - published_ms / SECOND_MS)
        self.status = status
        self._heard_at = self._clock() - age_seconds

    async def _listen(self) -> None:
        async for received in self._reader:
            self.note(received.record, received.published_ms)
