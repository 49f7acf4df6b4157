"""Blocking calls of a destination keep neither the loop nor the process from going on."""

import asyncio
import threading

import pytest

from liq.sinks.threads import THREAD_NAME, in_thread


async def test_a_blocking_call_gives_its_result_or_its_error() -> None:
    assert await in_thread(lambda: 42) == 42

    def fail() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await in_thread(fail)


async def test_a_call_that_hangs_does_not_hold_up_whoever_gives_up_on_it() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_thread(release.wait)
    hanging = [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]
    assert hanging
    assert all(thread.daemon for thread in hanging)
    release.set()
    for thread in hanging:
        thread.join()
    await asyncio.sleep(0)  # the late result is dropped without an error
