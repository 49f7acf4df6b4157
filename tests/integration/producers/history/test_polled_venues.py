"""The polls of venues that push nothing, against local venues that enforce their limits."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
import pytest

from liq.devstack.exchange import venues
from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import LocalHistory, Past
from liq.devstack.exchange.registry import find_pasts
from liq.producers.history.asker import Asker
from liq.producers.history.polling import Poller
from liq.producers.history.registry import POLLED
from liq.producers.history.spec import HistorySpec
from liq.producers.live.listing import new_client
from liq.runtime.metrics import FEED_BREAKER
from liq.runtime.retry import BreakerPolicy
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import Arrival, FeedEvent
from tests.support.histories import TIMING, PastClock, answers, events_of, sources

pytestmark = pytest.mark.integration

DECLARED: Final = [each for each in find_pasts(venues) if each.frame is not None]
BREAKER: Final = BreakerPolicy(
    failures_to_open=2, first_pause_seconds=60.0, longest_pause_seconds=300.0
)
#: Delays as declared.
PATIENT: Final = replace(TIMING, delay_scale=1.0, breaker=BREAKER)
EVERY_MS: Final = 500
COUNT: Final = 400
BEGIN_MS: Final = START_MS + 70_000


class AdvancingClock(PastClock):
    """A clock whose durations the test advances, together with the time of day."""

    def __init__(self) -> None:
        super().__init__(BEGIN_MS)
        self.extra_seconds = 0.0

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return super().monotonic() + self.extra_seconds

    def advance(self, seconds: float) -> None:
        self.time_ms += int(seconds * 1_000)
        self.extra_seconds += seconds


@dataclass
class FakeLog:
    """Keeps what is published and reported."""

    answers: list[tuple[str, str, bytes]] = field(default_factory=list)
    reports: list[FeedStatus] = field(default_factory=list)

    async def publish(
        self, _: HistorySpec, feed: str, subject: str, answer: bytes, at: int
    ) -> None:
        assert at > 0
        self.answers.append((feed, subject, answer))

    def connection(self, exchange: str, feed: str) -> str:
        return f"slot:{exchange}.{feed}"

    async def deliver(self, status: FeedStatus) -> None:
        self.reports.append(status)

    def told(self) -> list[FeedEvent]:
        return [each.event for each in self.reports]


@dataclass
class Scene:
    """A poller of a venue, and the venue."""

    history: LocalHistory
    log: FakeLog = field(default_factory=FakeLog)
    cursors: dict[str, int] = field(default_factory=dict)
    clock: AdvancingClock = field(default_factory=AdvancingClock)
    blind: list[bool] = field(default_factory=list)

    def poller(self, client: aiohttp.ClientSession) -> Poller:
        found = sources(self.past.exchange, self.past.feed, self.history.environment)
        return Poller(
            found,
            found[0].spec.poll,  # type: ignore[arg-type]
            asker=Asker(self.clock, PATIENT, client),
            timing=PATIENT,
            clock=self.clock,
            log=self.log,  # type: ignore[arg-type]
            cursors=self.cursors,
        )

    def run(self, *steps: float | Callable[[], None]) -> None:
        """Poll whenever a poll is due after some seconds each, or act, in a process of its own."""

        async def work() -> None:
            async with new_client(5.0) as client:
                poller = self.poller(client)
                for step in steps:
                    if callable(step):
                        step()
                        continue
                    self.clock.advance(step)
                    if poller.is_due:
                        await poller.step()
                    self.blind.append(poller.is_blind)

        asyncio.run(work())

    @property
    def past(self) -> Past:
        return self.history.past

    @property
    def every(self) -> float:
        [source] = sources(self.past.exchange, self.past.feed, self.history.environment)
        assert source.spec.poll is not None
        return source.spec.poll.every_seconds

    def events(self) -> list[Any]:
        return [
            event
            for feed, subject, answer in self.log.answers
            for event in events_of(self.past.exchange, feed, answer, subject, self.clock.time_ms)
        ]


@pytest.fixture(params=DECLARED, ids=lambda each: f"{each.exchange}.{each.feed}")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with LocalHistory(request.param, scale=TIMING.limit_scale) as history:
        history.add(answers(request.param, COUNT, EVERY_MS))
        yield Scene(history)


def test_every_polled_venue_has_a_local_one() -> None:
    assert {(each.exchange, each.feed) for each in DECLARED} == set(POLLED)


def test_every_liquidation_comes_once_within_the_limits(scene: Scene) -> None:
    """Two processes, one after the other; the second goes on from the cursor of the first."""
    scene.run(0.0, *[scene.every] * 2)
    first_answers = len(scene.log.answers)
    scene.run(*[scene.every] * 2)
    [(name, cursor)] = scene.cursors.items()
    assert name == f"{scene.past.exchange}.{scene.past.feed}"
    events = scene.events()
    assert {event.arrival for event in events} == {Arrival.LIVE}
    found = {event.event_id: event.timestamp_ms for event in events}
    expected = {
        START_MS + number * EVERY_MS
        for number in range(1, COUNT + 1)
        if BEGIN_MS < START_MS + number * EVERY_MS <= cursor
    }
    assert expected <= set(found.values())
    assert len(found) == len(set(found.values())), "one id each"
    # The overlap of the second process repeats at most what the first had published last.
    repeated = Counter(event.event_id for event in events).most_common(1)[0][1]
    assert repeated <= 4
    assert first_answers < len(scene.log.answers)
    assert scene.history.limited == 0
    assert scene.log.told() == [FeedEvent.CONNECTED] * 2


def test_nothing_new_publishes_nothing(scene: Scene) -> None:
    """The overlap asks for the same rows again, and they are known."""
    published: list[int] = []

    def note() -> None:
        published.append(len(scene.log.answers))

    until_the_last = COUNT * EVERY_MS / 1_000 - (BEGIN_MS - START_MS) / 1_000
    scene.run(0.0, until_the_last + scene.every, note, scene.every, note)
    assert published[0] > 0
    assert published[1] == published[0]


def test_a_venue_that_does_not_answer_is_left_alone_for_a_while(scene: Scene) -> None:
    """Lost at once; the breaker opens after two polls, and the time away is one gap."""
    history = scene.history

    def away() -> None:
        history.status = 503

    def back() -> None:
        history.status = None

    scene.run(*(0.0, scene.every, away, scene.every, scene.every, 5.0, back, 300.0, scene.every))
    assert scene.blind == [False, False, True, True, True, False, False]
    assert scene.log.told() == [
        FeedEvent.CONNECTED,
        FeedEvent.LOST,
        FeedEvent.STORM,
        FeedEvent.CONNECTED,
        FeedEvent.GAP,
    ]
    lost, _, _, gap = scene.log.reports[1:]
    assert lost.from_ms == gap.from_ms
    assert gap.to_ms is not None
    assert gap.to_ms + scene.every * 1_000 < scene.cursors[f"{lost.exchange}.{lost.feed}"]
    value = FEED_BREAKER.labels(scene.past.exchange, "closed")._value.get()
    assert value == 1


def test_a_feed_that_was_not_polled_for_long_is_blind_until_a_poll_is_answered(
    scene: Scene,
) -> None:
    """As long as the next poll reports a gap; its repair waits for the same limits."""

    async def work() -> list[bool]:
        async with new_client(5.0) as client:
            poller = scene.poller(client)
            blind = [poller.is_blind]
            for seconds in (0.0, 3 * scene.every, 1.0):
                scene.clock.advance(seconds)
                if not blind[1:]:
                    await poller.step()
                blind.append(poller.is_blind)
            await poller.step()
            return [*blind, poller.is_blind]

    assert asyncio.run(work()) == [True, False, False, True, False]
    assert scene.log.told()[-1] is FeedEvent.GAP


def test_a_venue_that_is_asked_too_often_opens_the_breaker_at_once(scene: Scene) -> None:
    def limited() -> None:
        scene.history.status, scene.history.retry_after_seconds = 429, 0

    scene.run(0.0, scene.every, limited, scene.every, 1.0, 1.0)
    assert scene.log.told() == [FeedEvent.CONNECTED, FeedEvent.LOST, FeedEvent.STORM]
    assert re.search("asked too often|429", scene.log.reports[-1].detail)


def test_an_answer_that_makes_no_sense_is_lost_and_not_published(scene: Scene) -> None:
    scene.run(0.0)
    scene.history.bodies.extend([b'{"a": 1}'] * 50)
    scene.run(scene.every)
    assert scene.log.answers == []
    assert scene.log.told() == [FeedEvent.CONNECTED, FeedEvent.CONNECTED, FeedEvent.LOST]


@pytest.mark.parametrize(
    "scene",
    [each for each in DECLARED if each.list_symbols is not None],
    ids=lambda each: f"{each.exchange}.{each.feed}",
    indirect=True,
)
def test_a_market_that_is_refused_is_told_once_and_touches_no_other(scene: Scene) -> None:
    """The venue delists a market: that poll's time is its gap, and the others go on."""
    frame = scene.past.frame
    assert frame is not None
    scene.history.add([frame("AAA-USD-PERP", 1), frame("AAAUSDT", 1)])
    refused = b'{"code": 3639, "message": "delisted", "error": "INVALID_REQUEST_PARAMETER"}'

    def delist() -> None:
        scene.history.bodies.append(refused)

    scene.run(0.0, delist, scene.every, delist, scene.every, delist, scene.every)
    told = [event for event in scene.log.told() if event is not FeedEvent.CONNECTED]
    assert told == [FeedEvent.REFUSED, FeedEvent.GAP]
    assert scene.log.reports[1].detail.startswith("AAA")
    cursor = scene.cursors[f"{scene.past.exchange}.{scene.past.feed}"]
    assert {event.native_symbol for event in scene.events()} == {scene.past.symbol}
    newest = max(event.timestamp_ms for event in scene.events())
    assert cursor - newest < EVERY_MS
