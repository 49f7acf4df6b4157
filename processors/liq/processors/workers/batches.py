"""Reading a Faust stream in batches, without Faust's habit of acknowledging what failed.

Faust acknowledges a batch when the agent's body leaves it, however it leaves: by an exception, or
because the agent was cancelled at a stop. Either would lose the batch. So an exception ends the
process before Faust hears of it, and whoever supervises it starts it again at the last committed
offset; and a cancelled agent finishes the batch at hand first.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn

from liq.runtime.logs import get_logger
from liq.runtime.metrics import HANDLED, RECORDS_IN

MAX_RECORDS = 500
WITHIN_SECONDS = 0.01
EXIT_BATCH_FAILED = 70

log = get_logger(__name__)
Handler = Callable[[Sequence[Any]], Coroutine[Any, Any, None]]


async def handle_in_batches(stream: Any, handle: Handler) -> None:
    """Give every batch of Kafka messages to `handle`; end the process if it fails."""
    async for events in stream.take_events(MAX_RECORDS, within=WITHIN_SECONDS):
        messages = [event.message for event in events]
        await finish_whatever_happens(handle(messages), end_process)
        HANDLED.add(len(messages))
        for message in messages:
            RECORDS_IN.labels(message.topic).inc()


async def finish_whatever_happens(
    work: Coroutine[Any, Any, None], fail: Callable[[], None]
) -> None:
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


def end_process() -> NoReturn:
    """Leave at once, before Faust can acknowledge the batch."""
    sys.stderr.flush()
    os._exit(EXIT_BATCH_FAILED)
