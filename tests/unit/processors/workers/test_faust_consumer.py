"""Calls to the consumer, which runs in the worker's own loop."""

import asyncio
from typing import Any, cast

import pytest

from liq.processors.workers.faust_consumer import EngineConsumerThread

SERVICE = cast("EngineConsumerThread", None)


async def test_a_call_comes_to_its_end_when_its_caller_is_cancelled() -> None:
    release, ended = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        await release.wait()
        ended.set()

    caller = asyncio.ensure_future(EngineConsumerThread.call_thread(SERVICE, read))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    release.set()
    await asyncio.wait_for(ended.wait(), 10)


async def test_a_function_that_waits_for_nothing_may_be_called() -> None:
    def subscribe(*topics: str) -> Any:
        return topics

    assert await EngineConsumerThread.call_thread(SERVICE, subscribe, "a", "b") == ("a", "b")
