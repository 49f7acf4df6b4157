"""A long poll for brokers that have none.

The embedded broker answers an empty fetch at once, so that every idle consumer would ask
thousands of times a second. This repeats an empty fetch slowly on the client's side, up to the
consumer's own `fetch_max_wait_ms`, which is what a real broker does on its side.

It wraps a private method of aiokafka's fetcher, hence the check at start; it is never used
against a real broker (`KAFKA_EMULATE_LONG_POLL` is off by default).
"""

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer

from liq.runtime.errors import ConfigurationError

PAUSE_SECONDS = 0.005
_METHOD = "_proc_fetch_request"


def emulate_long_poll(consumer: AIOKafkaConsumer) -> None:
    """Make a started consumer wait between empty fetches.

    Raises:
        ConfigurationError: the installed aiokafka has no such method.
    """
    fetcher = consumer._fetcher  # noqa: SLF001 - see the module's docstring
    original = getattr(fetcher, _METHOD, None)
    if original is None:
        raise ConfigurationError(
            f"This aiokafka has no Fetcher.{_METHOD}; install the pinned version, "
            "or unset KAFKA_EMULATE_LONG_POLL."
        )
    wait_seconds = fetcher._fetch_max_wait_ms / 1000  # noqa: SLF001

    async def fetch(assignment: Any, node_id: Any, request: Any) -> bool:
        deadline = time.monotonic() + wait_seconds
        has_data = bool(await original(assignment, node_id, request))
        while not has_data and assignment.active and time.monotonic() < deadline:
            if _is_cancelled():
                return False
            try:
                await asyncio.sleep(PAUSE_SECONDS)
            except asyncio.CancelledError:
                return False  # as the fetcher itself does: it is closing or reassigned
            has_data = bool(await original(assignment, node_id, request))
        return has_data

    setattr(fetcher, _METHOD, fetch)


def _is_cancelled() -> bool:
    """Return whether this task was cancelled; the fetcher catches the CancelledError itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
