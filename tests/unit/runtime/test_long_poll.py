import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from liq.runtime.errors import ConfigurationError
from liq.runtime.long_poll import emulate_long_poll

ACTIVE = SimpleNamespace(active=True)


def consumer(answers: list[bool], wait_ms: int) -> SimpleNamespace:
    async def fetch(_assignment: object, _node: int, _request: object) -> bool:
        return answers.pop(0) if answers else False

    return SimpleNamespace(
        _fetcher=SimpleNamespace(_proc_fetch_request=fetch, _fetch_max_wait_ms=wait_ms)
    )


async def test_an_empty_fetch_is_repeated_until_there_is_data() -> None:
    answers = [False, False, True, True]
    patched = consumer(answers, wait_ms=60_000)
    emulate_long_poll(patched)
    assert await patched._fetcher._proc_fetch_request(ACTIVE, 0, None) is True
    assert answers == [True]


async def test_the_wait_ends() -> None:
    patched = consumer([], wait_ms=0)
    emulate_long_poll(patched)
    assert await patched._fetcher._proc_fetch_request(ACTIVE, 0, None) is False


async def test_a_lost_assignment_ends_the_wait() -> None:
    patched = consumer([], wait_ms=60_000)
    emulate_long_poll(patched)
    assert await patched._fetcher._proc_fetch_request(SimpleNamespace(active=False), 0, None) is (
        False
    )


async def test_a_closing_fetcher_gets_its_answer_and_no_exception() -> None:
    patched = consumer([], wait_ms=60_000)
    emulate_long_poll(patched)
    fetching = asyncio.ensure_future(patched._fetcher._proc_fetch_request(ACTIVE, 0, None))
    for _ in range(3):
        await asyncio.sleep(0)
    fetching.cancel()
    assert await fetching is False


async def test_a_fetch_that_is_cancelled_in_its_request_is_not_repeated() -> None:
    requests = 0

    async def fetch(_assignment: object, _node: int, _request: object) -> bool:
        nonlocal requests
        requests += 1
        with contextlib.suppress(asyncio.CancelledError):  # as aiokafka's own does
            await asyncio.Event().wait()
        return False

    patched = consumer([], wait_ms=60_000)
    patched._fetcher._proc_fetch_request = fetch
    emulate_long_poll(patched)
    fetching = asyncio.ensure_future(patched._fetcher._proc_fetch_request(ACTIVE, 0, None))
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait({fetching}, timeout=30)
    assert fetching.done()
    assert requests == 1


def test_another_aiokafka_is_refused_with_a_sentence() -> None:
    other = SimpleNamespace(_fetcher=SimpleNamespace(_fetch_max_wait_ms=1))
    with pytest.raises(ConfigurationError, match="install the pinned version"):
        emulate_long_poll(other)
