"""An exchange is asked within its limit, and left alone for as long as it says."""

import asyncio
from typing import Any

import aiohttp
import pytest

from liq.producers.history import asker as module
from liq.producers.history.asker import Asker, AwayError, Source
from liq.producers.history.asking import LimitedError, RefusedError, UnansweredError
from liq.producers.history.registry import HISTORIES
from liq.producers.history.spec import Question
from liq.producers.history.timing import DEFAULT_TIMING

[BITFINEX] = [spec for spec in HISTORIES if spec.exchange == "bitfinex"]
QUESTION = Question("", 1, 2)


class FakeTime:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def now_ns(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Venue:
    """Answers in turn, and keeps when it was asked what."""

    def __init__(self, time: FakeTime, *answers: bytes | Exception) -> None:
        self.time = time
        self.answers = list(answers)
        self.asked: list[float] = []
        self.addresses: list[str] = []

    async def ask(
        self, _: Any, address: str, _posted: bytes | None = None, _most: int = 0
    ) -> bytes:
        self.asked.append(self.time.now)
        self.addresses.append(address)
        answer = self.answers.pop(0) if self.answers else b"[]"
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(monkeypatch: pytest.MonkeyPatch, venue: Venue, times: int = 1) -> list[bytes]:
    monkeypatch.setattr(module, "ask", venue.ask)
    monkeypatch.setattr("liq.producers.history.asker.asyncio.sleep", venue.time.sleep)

    async def work() -> list[bytes]:
        async with aiohttp.ClientSession() as client:
            asker = Asker(venue.time, DEFAULT_TIMING, client)
            source = Source(BITFINEX, "http://x/hist")
            return [await asker.ask(source, QUESTION) for _ in range(times)]

    return asyncio.run(work())


def test_no_minute_has_more_calls_than_the_venue_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = Venue(FakeTime())
    run(monkeypatch, venue, times=10)
    assert len(venue.asked) == 10
    for first in venue.asked:
        assert sum(first <= each < first + BITFINEX.limit.seconds for each in venue.asked) <= 3
    assert set(venue.addresses) == {"http://x/hist?start=1&end=2&limit=500&sort=1"}


def test_a_venue_that_asks_for_a_pause_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not answered counts against the limit, too."""
    venue = Venue(FakeTime(), LimitedError(400.0), UnansweredError("cut"), b"x")
    assert run(monkeypatch, venue) == [b"x"]
    first, second, _ = venue.asked
    assert second - first >= 400


def test_a_venue_is_asked_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = Venue(FakeTime(), *[UnansweredError("no route")] * 50)
    with pytest.raises(AwayError, match="no route, 6 times"):
        run(monkeypatch, venue)
    assert len(venue.asked) == DEFAULT_TIMING.attempts
    refusing = Venue(FakeTime(), RefusedError("the venue answers 404"))
    with pytest.raises(RefusedError):
        run(monkeypatch, refusing)
    assert len(refusing.asked) == 1
