"""Checkpoints of a stage with state, at an interval, in an order that survives a crash.

    alerts      all sent records are acknowledged
    passed on   snapshots for other partitions (`liq topics grow`) are written and acknowledged
    snapshots   the state that has changed since the last checkpoint is written and acknowledged
    offsets     the batches up to the checkpoint may be committed

A crash in between repeats records under the same ids and loses none of them. A checkpoint captures
the state and continues in the background, so that the next batches do not wait for it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.stages.output import Output
from liq.runtime.metrics import CHECKPOINT, CHECKPOINT_AGE
from liq.runtime.sending import OutputRecord

#: The interval is at least this many times the duration of a capture, to limit its share of time.
CAPTURE_SHARE: Final = 10
MAX_INTERVAL_SECONDS: Final = 5.0


@dataclass(slots=True)
class Snapshot:
    """The records of a checkpoint, and the call after they are written.

    `passed_on` is acknowledged before `records` are written, because these may delete the same
    snapshots.
    """

    records: Sequence[OutputRecord]
    written: Callable[[], None]
    passed_on: Sequence[OutputRecord] = ()


@dataclass(frozen=True, slots=True)
class _Batch:
    """An applied batch: the future that the stage awaits, its notes, its time (monotonic, s)."""

    safe: asyncio.Future[Mapping[int, str] | None]
    notes: Mapping[int, str]
    applied_seconds: float


class Checkpoints:
    """The checkpoints of one stage, which make its applied batches safe to commit.

    The stage holds the lock `applying` while its state is ahead of the records that it has sent.
    """

    def __init__(
        self,
        output: Output,
        capture: Callable[[], Snapshot],
        interval_seconds: float,
        state_topic: str,
    ) -> None:
        """Start without batches; `capture` returns the changes of state since its last call.

        A gauge shows `age_seconds` under the name of the state topic.
        """
        self._output = output
        self._capture = capture
        self._interval_seconds = interval_seconds
        self._capture_seconds = 0.0
        self._sent: list[asyncio.Future[Any]] = []
        self._waiting: list[_Batch] = []
        # The batches of the checkpoint that is being written.
        self._writing: list[_Batch] = []
        self._hurried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.applying = asyncio.Lock()
        CHECKPOINT_AGE.labels(state_topic).set_function(self.age_seconds)

    def age_seconds(self) -> float:
        """Return the seconds since the oldest batch without a finished checkpoint was applied.

        Without such a batch, return 0.
        """
        oldest = next(iter((*self._writing, *self._waiting)), None)
        return 0.0 if oldest is None else time.monotonic() - oldest.applied_seconds

    def add(
        self, sent: asyncio.Future[Any], notes: Mapping[int, str]
    ) -> asyncio.Future[Mapping[int, str] | None]:
        """Add a batch by the future of its sent records.

        The returned future completes with the batch's checkpoint. Its result is `notes`, or None if
        the batch was dropped.
        """
        safe: asyncio.Future[Mapping[int, str] | None] = asyncio.get_running_loop().create_future()
        self._sent.append(sent)
        self._waiting.append(_Batch(safe, notes, time.monotonic()))
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        return safe

    def hurry(self) -> None:
        """Start the next checkpoint now."""
        self._hurried.set()

    def drop(self) -> None:
        """Drop the batches without a checkpoint, because their partitions were revoked."""
        for batch in self._waiting:
            batch.safe.set_result(None)
        self._waiting.clear()

    async def _run(self) -> None:
        """Make checkpoints until every batch has one."""
        while self._waiting:
            pause = max(self._interval_seconds, self._capture_seconds * CAPTURE_SHARE)
            await self._pause(min(pause, MAX_INTERVAL_SECONDS))
            async with self.applying:
                self._writing, self._waiting = self._waiting, []
                sent, self._sent = self._sent, []
                began = time.monotonic()
                snapshot = self._capture()
                self._capture_seconds = time.monotonic() - began
            try:
                await asyncio.gather(*sent)
                if snapshot.passed_on:
                    await self._output.deliver(snapshot.passed_on)
                await self._output.deliver(snapshot.records)
            except Exception as error:  # noqa: BLE001 - whoever awaits the batches ends the process
                for batch in self._writing:
                    batch.safe.set_exception(error)
                return
            CHECKPOINT.observe(time.monotonic() - began)
            snapshot.written()
            written, self._writing = self._writing, []
            for batch in written:
                batch.safe.set_result(batch.notes)
        self._task = None

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        except TimeoutError:
            return
        finally:
            self._hurried.clear()
