"""Reading a Faust stream in batches, without Faust's habit of acknowledging what failed.

When an exception leaves an agent's body, Faust acknowledges the whole batch and goes on: the
batch is lost. So no exception leaves it. The process ends instead, nothing is committed, and
whoever supervises it starts it again at the last committed offset.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from runtime.logs import get_logger
from runtime.metrics import HANDLED, RECORDS_IN

MAX_RECORDS = 500
WITHIN_SECONDS = 0.01
EXIT_BATCH_FAILED = 70

log = get_logger(__name__)
Handler = Callable[[Sequence[Any]], Awaitable[None]]


async def handle_in_batches(stream: Any, handle: Handler) -> None:
    """Give every batch of Kafka messages to `handle`; end the process if it fails."""
    async for events in stream.take_events(MAX_RECORDS, within=WITHIN_SECONDS):
        messages = [event.message for event in events]
        try:
            await handle(messages)
        except asyncio.CancelledError:
            raise
        except BaseException:
            log.exception("batch_failed", records=len(messages))
            sys.stderr.flush()
            os._exit(EXIT_BATCH_FAILED)
        HANDLED.add(len(messages))
        for message in messages:
            RECORDS_IN.labels(message.topic).inc()
