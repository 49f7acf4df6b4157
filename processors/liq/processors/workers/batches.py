"""Passing the batches of a Faust stream to a stage, with several batches in flight.

A stage handles a batch and returns a future that completes when the batch is safe: its output is
acknowledged (normalize), or a checkpoint includes it (detect). Only then is the batch acknowledged
to Faust, in order, and Faust may commit its offsets. The stage handles the next batch meanwhile:
acknowledgements delay the commit only.

By default, Faust acknowledges a batch when the agent's loop body ends, also by an exception. So
Faust's acknowledgements are off, an exception ends the process, and the supervisor restarts it at
the last committed offset.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, NoReturn

from liq.runtime.logs import get_logger
from liq.runtime.metrics import HANDLED, RECORDS_IN

EXIT_BATCH_FAILED: Final = 70

#: The notes to commit with the offsets of a safe batch, by partition. None if the partitions were
#: revoked meanwhile: the batch must not be committed.
Safe = Awaitable[Mapping[int, str] | None]
Handler = Callable[[Sequence[Any]], Coroutine[Any, Any, Safe]]

log = get_logger(__name__)


async def handle_in_batches(stream: Any, handle: Handler, max_in_flight: int) -> None:
    """Pass every batch of a stream to `handle`; end the process if it or its future fails."""
    in_flight: asyncio.Queue[tuple[Safe, Any]] = asyncio.Queue(max_in_flight)
    acknowledger = asyncio.ensure_future(_acknowledge(in_flight))
    try:
        async for event in stream.noack().events():
            batch = event.message.value
            records = batch.records
            safe = await finish_whatever_happens(handle(records), end_process)
            _count(records)
            batch.records = ()  # frees the records; the batch itself is kept until it is safe
            await in_flight.put((safe, event))
    finally:
        acknowledger.cancel()


async def _acknowledge(in_flight: "asyncio.Queue[tuple[Safe, Any]]") -> None:
    """Acknowledge batches in order, each once it is safe."""
    while True:
        safe, event = await in_flight.get()
        try:
            notes = await asyncio.shield(safe)
        except Exception as error:
            log.exception("batch_failed", error=repr(error))
            end_process()
            raise
        if notes is not None:
            event.message.value.notes = notes
            event.ack()


def _count(records: Sequence[Any]) -> None:
    HANDLED.add(len(records))
    for topic, count in Counter(record.topic for record in records).items():
        RECORDS_IN.labels(topic).inc(count)


async def finish_whatever_happens(
    work: Coroutine[Any, Any, Safe], fail: Callable[[], None]
) -> Safe:
    """Run `work` to its end even if the caller is cancelled meanwhile; call `fail` if it fails.

    A cancellation is raised when the work is done. `fail` runs before the exception propagates, so
    no other task can react to the failure first.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    error = task.exception()
    if error is not None:
        log.error("batch_failed", exc_info=error)
        fail()
        raise error
    if cancelled:
        raise asyncio.CancelledError
    return task.result()


def end_process() -> NoReturn:
    """End the process at once, before Faust can acknowledge the batch."""
    sys.stderr.flush()
    os._exit(EXIT_BATCH_FAILED)
