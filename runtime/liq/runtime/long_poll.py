"""A long poll on the client's side, for the embedded broker, which has none.

The embedded broker answers an empty fetch at once, so an idle consumer would fetch thousands of
times a second. The emulation repeats an empty fetch slowly, for up to the consumer's
`fetch_max_wait_ms`, as a real broker waits for records.

It wraps a private method of aiokafka's fetcher, which is checked at start. It is never used with a
real broker (`KAFKA_EMULATE_LONG_POLL` is off by default).
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
                return False  # like the fetcher itself, which is closing or reassigned
            has_data = bool(await original(assignment, node_id, request))
        return has_data

    setattr(fetcher, _METHOD, fetch)


def _is_cancelled() -> bool:
    """Return whether this task was cancelled; the fetcher catches the CancelledError itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
