import asyncio

import pytest

from liq.processors.workers.batches import finish_whatever_happens


async def test_a_cancelled_agent_finishes_its_batch_first() -> None:
    may_finish = asyncio.Event()
    finished = []

    async def work() -> None:
        await may_finish.wait()
        finished.append(True)

    agent = asyncio.ensure_future(finish_whatever_happens(work(), lambda: finished.append(False)))
    await asyncio.sleep(0)
    agent.cancel()
    await asyncio.sleep(0)
    agent.cancel()
    await asyncio.sleep(0)
    assert not agent.done()
    may_finish.set()
    with pytest.raises(asyncio.CancelledError):
        await agent
    assert finished == [True]


async def test_a_failed_batch_calls_fail_before_anybody_learns_of_it() -> None:
    order = []

    async def work() -> None:
        raise ValueError("a delivery failed")

    with pytest.raises(ValueError, match="a delivery failed"):
        await finish_whatever_happens(work(), lambda: order.append("fail"))
    assert order == ["fail"]


async def test_a_batch_that_fails_while_stopping_still_calls_fail() -> None:
    may_fail = asyncio.Event()
    order = []

    async def work() -> None:
        await may_fail.wait()
        raise ValueError("a delivery failed")

    agent = asyncio.ensure_future(finish_whatever_happens(work(), lambda: order.append("fail")))
    await asyncio.sleep(0)
    agent.cancel()
    may_fail.set()
    with pytest.raises(ValueError, match="a delivery failed"):
        await agent
    assert order == ["fail"]
