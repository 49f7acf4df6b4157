import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from liq.processors.workers import batches
from liq.processors.workers.batches import finish_whatever_happens, handle_in_batches
from liq.processors.workers.fetching import FetchedBatch

NOTES = {0: "a note"}


class Event:
    """A Faust event of one batch, which notes its acknowledgement."""

    def __init__(self, name: str, acknowledged: list[str]) -> None:
        record = SimpleNamespace(topic="topic", name=name)
        self.message = SimpleNamespace(value=FetchedBatch([record], {}))
        self.ack = lambda: acknowledged.append(name)


class Stream:
    """A stream of the given events, which then stays open as Faust's do."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self.taken = 0

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            self.taken += 1
            yield event
        await asyncio.Event().wait()


class Pipeline:
    """An agent over a stage whose batches become safe when the test says so."""

    def __init__(self, *names: str, max_in_flight: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.safe: dict[str, asyncio.Future[Mapping[int, str] | None]] = {}
        self.events = [Event(name, self.acknowledged) for name in names]
        self.stream = Stream(self.events)
        self.agent = asyncio.ensure_future(
            handle_in_batches(self.stream, self.handle, max_in_flight)
        )

    async def handle(self, records: Sequence[Any]) -> asyncio.Future[Mapping[int, str] | None]:
        future: asyncio.Future[Mapping[int, str] | None] = (
            asyncio.get_running_loop().create_future()
        )
        self.safe[records[0].name] = future
        return future

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self.agent.cancel()
        await asyncio.wait({self.agent})


async def test_the_next_batches_are_handled_before_the_first_is_safe() -> None:
    pipeline = Pipeline("a", "b", "c")
    await pipeline.settle()
    assert (list(pipeline.safe), pipeline.acknowledged) == (["a", "b", "c"], [])
    await pipeline.stop()


async def test_batches_are_acknowledged_in_order_whichever_is_safe_first() -> None:
    pipeline = Pipeline("a", "b")
    await pipeline.settle()
    pipeline.safe["b"].set_result(NOTES)
    await pipeline.settle()
    assert pipeline.acknowledged == []
    pipeline.safe["a"].set_result(NOTES)
    await pipeline.settle()
    assert pipeline.acknowledged == ["a", "b"]
    await pipeline.stop()


async def test_a_batch_of_partitions_that_were_taken_away_is_not_acknowledged() -> None:
    pipeline = Pipeline("a", "b")
    await pipeline.settle()
    pipeline.safe["a"].set_result(None)
    pipeline.safe["b"].set_result(NOTES)
    await pipeline.settle()
    assert pipeline.acknowledged == ["b"]
    first, second = pipeline.events
    assert (first.message.value.notes, second.message.value.notes) == ({}, NOTES)
    await pipeline.stop()


async def test_no_more_batches_than_allowed_are_in_flight() -> None:
    pipeline = Pipeline(*"abcdefgh", max_in_flight=2)
    await pipeline.settle()
    # One is with the acknowledger, two are queued, and one waits for its place.
    assert list(pipeline.safe) == ["a", "b", "c", "d"]
    pipeline.safe["a"].set_result(NOTES)
    await pipeline.settle()
    assert list(pipeline.safe) == ["a", "b", "c", "d", "e"]
    await pipeline.stop()


async def test_a_batch_that_is_refused_later_ends_the_process_unacknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = []
    monkeypatch.setattr(batches, "end_process", lambda: ended.append(True))
    pipeline = Pipeline("a", "b")
    await pipeline.settle()
    pipeline.safe["b"].set_result(NOTES)
    pipeline.safe["a"].set_exception(ValueError("refused"))
    await pipeline.settle()
    assert (ended, pipeline.acknowledged) == ([True], [])
    await pipeline.stop()


async def test_nothing_is_acknowledged_once_the_agent_is_cancelled() -> None:
    pipeline = Pipeline("a")
    await pipeline.settle()
    await pipeline.stop()
    pipeline.safe["a"].set_result(NOTES)
    await pipeline.settle()
    assert pipeline.acknowledged == []


async def safe_after(
    may_finish: asyncio.Event, finished: list[bool]
) -> "asyncio.Future[Mapping[int, str] | None]":
    await may_finish.wait()
    finished.append(True)
    return asyncio.get_running_loop().create_future()


async def test_a_cancelled_agent_finishes_its_batch_first() -> None:
    may_finish = asyncio.Event()
    finished: list[bool] = []
    agent = asyncio.ensure_future(
        finish_whatever_happens(safe_after(may_finish, finished), lambda: finished.append(False))
    )
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

    async def work() -> "asyncio.Future[Mapping[int, str] | None]":
        raise ValueError("a delivery failed")

    with pytest.raises(ValueError, match="a delivery failed"):
        await finish_whatever_happens(work(), lambda: order.append("fail"))
    assert order == ["fail"]


async def test_a_batch_that_fails_while_stopping_still_calls_fail() -> None:
    may_fail = asyncio.Event()
    order = []

    async def work() -> "asyncio.Future[Mapping[int, str] | None]":
        await may_fail.wait()
        raise ValueError("a delivery failed")

    agent = asyncio.ensure_future(finish_whatever_happens(work(), lambda: order.append("fail")))
    await asyncio.sleep(0)
    agent.cancel()
    may_fail.set()
    with pytest.raises(ValueError, match="a delivery failed"):
        await agent
    assert order == ["fail"]
