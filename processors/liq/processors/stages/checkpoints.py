"""When a stage with state is safe: checkpoints at an interval, in an order that survives a crash.

    alerts      everything that the stage has sent is acknowledged
    snapshots   the state that has changed since the last checkpoint is written and acknowledged
    offsets     the batches up to the checkpoint may be committed

A crash in between repeats records under the same ids and loses none. A checkpoint captures the
state and goes on in the background, so that the next batches do not wait for it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.stages.output import Output
from liq.runtime.metrics import CHECKPOINT
from liq.runtime.sending import OutputRecord

#: Capturing takes at most one part in so many of the stage's time; the interval grows for that.
CAPTURE_SHARE: Final = 10
MAX_INTERVAL_SECONDS: Final = 5.0


@dataclass(slots=True)
class Snapshot:
    """What a checkpoint writes, and what to do once it is written."""

    records: Sequence[OutputRecord]
    written: Callable[[], None]


class Checkpoints:
    """Makes the batches of one stage safe, some time after they were applied.

    The stage holds `applying` while its state and what it has sent differ.
    """

    def __init__(
        self, output: Output, capture: Callable[[], Snapshot], interval_seconds: float
    ) -> None:
        """`capture` returns the state that has changed since it was last called."""
        self._output = output
        self._capture = capture
        self._interval_seconds = interval_seconds
        self._capture_seconds = 0.0
        self._sent: list[asyncio.Future[Any]] = []
        self._waiting: list[tuple[asyncio.Future[Mapping[int, str] | None], Mapping[int, str]]] = []
        self._hurried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.applying = asyncio.Lock()

    def add(
        self, sent: asyncio.Future[Any], notes: Mapping[int, str]
    ) -> asyncio.Future[Mapping[int, str] | None]:
        """Add a batch by what it has sent.

        The future ends with the checkpoint that holds the batch. Its result is `notes`, or None if
        the batch is dropped.
        """
        safe: asyncio.Future[Mapping[int, str] | None] = asyncio.get_running_loop().create_future()
        self._sent.append(sent)
        self._waiting.append((safe, notes))
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        return safe

    def hurry(self) -> None:
        """Begin the next checkpoint now."""
        self._hurried.set()

    def drop(self) -> None:
        """Give up the batches that no checkpoint holds: their partitions were taken away."""
        for safe, _ in self._waiting:
            safe.set_result(None)
        self._waiting.clear()

    async def _run(self) -> None:
        """Make checkpoints as long as there are batches without one."""
        while self._waiting:
            pause = max(self._interval_seconds, self._capture_seconds * CAPTURE_SHARE)
            await self._pause(min(pause, MAX_INTERVAL_SECONDS))
            async with self.applying:
                waiting, self._waiting = self._waiting, []
                sent, self._sent = self._sent, []
                began = time.monotonic()
                snapshot = self._capture()
                self._capture_seconds = time.monotonic() - began
            try:
                await asyncio.gather(*sent)
                await self._output.deliver(snapshot.records)
            except Exception as error:  # noqa: BLE001 - whoever awaits the batches ends the process
                for safe, _ in waiting:
                    safe.set_exception(error)
                return
            CHECKPOINT.observe(time.monotonic() - began)
            snapshot.written()
            for safe, notes in waiting:
                safe.set_result(notes)
        self._task = None

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        except TimeoutError:
            return
        finally:
            self._hurried.clear()
