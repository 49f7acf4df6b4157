"""Passing the batches of a Faust stream to a stage, several of them in flight.

A stage takes a batch and returns a future that ends when the batch is safe: all that it gave is
acknowledged (normalize), or a checkpoint holds it (detect). Only then is the batch acknowledged to
Faust, in order, so that its offsets can be committed. Acknowledgements gate the commit and nothing
else: the next batch is handled meanwhile.

Faust by itself would acknowledge a batch when the agent's body leaves it, however it leaves. So
its acknowledgements are off, an exception ends the process, and whoever supervises it starts it
again at the last committed offset.
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

#: Notes to commit with the offsets of a safe batch, by partition; None where its partitions were
#: taken away meanwhile, so that it is not to be committed.
Safe = Awaitable[Mapping[int, str] | None]
Handler = Callable[[Sequence[Any]], Coroutine[Any, Any, Safe]]

log = get_logger(__name__)


async def handle_in_batches(stream: Any, handle: Handler, max_in_flight: int) -> None:
    """Pass every batch of a stream to `handle`; end the process if that or its future fails."""
    in_flight: asyncio.Queue[tuple[Safe, Any]] = asyncio.Queue(max_in_flight)
    acknowledger = asyncio.ensure_future(_acknowledge(in_flight))
    try:
        async for event in stream.noack().events():
            batch = event.message.value
            records = batch.records
            safe = await finish_whatever_happens(handle(records), end_process)
            _count(records)
            batch.records = ()  # it is kept until it is safe, its records need not be
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
    """Run `work` to its end even if we are cancelled meanwhile; call `fail` if it fails.

    A cancellation is passed on when the work is done. `fail` is called before anybody else can
    learn of the failure.
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
    """Leave at once, before Faust can acknowledge the batch."""
    sys.stderr.flush()
    os._exit(EXIT_BATCH_FAILED)
