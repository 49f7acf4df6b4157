"""Polls against a local venue: what a sampled feed left out, and a venue that pushes nothing."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import LocalHistory
from liq.devstack.exchange.registry import dialect, past
from liq.producers.history.asker import Asker
from liq.producers.history.polling import Poller
from liq.producers.history.spec import HistorySpec, Poll
from liq.producers.live.listing import new_client
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import Arrival, FeedEvent
from tests.support.histories import TIMING, PastClock, events_of, frames, sources

pytestmark = pytest.mark.integration

BEGIN_MS: Final = START_MS + 200_000
COMPLETION: Final = Poll(feed="usdt-completion", every_seconds=300, delay_ms=120_000)
LIVE: Final = Poll(feed="usdt", every_seconds=10, delay_ms=2_000, is_live=True)
#: Delays as declared.
PATIENT: Final = replace(TIMING, delay_scale=1.0)


@dataclass
class FakeLog:
    """Keeps what is published and reported."""

    answers: list[tuple[str, bytes]] = field(default_factory=list)
    reports: list[tuple[FeedEvent, int | None, int | None]] = field(default_factory=list)

    async def publish(
        self, _: HistorySpec, feed: str, subject: str, answer: bytes, at: int
    ) -> None:
        assert (subject, at > 0) == ("", True)
        self.answers.append((feed, answer))

    def connection(self, exchange: str, feed: str) -> str:
        return f"slot:{exchange}.{feed}"

    async def deliver(self, status: FeedStatus) -> None:
        named = (status.exchange, status.feed, status.connection, status.timestamp_ms > 0)
        assert named == ("gate", "usdt", "slot:gate.usdt", True)
        self.reports.append((status.event, status.from_ms, status.to_ms))


@dataclass
class Scene:
    """A poller of Gate that is polled at times of the test's choice."""

    history: LocalHistory
    poll: Poll
    log: FakeLog = field(default_factory=FakeLog)
    cursors: dict[str, int] = field(default_factory=dict)

    def run(self, *at_ms: int) -> None:
        """Poll at each of some times, in a process of its own."""

        async def work() -> None:
            clock = PastClock()
            async with new_client(5.0) as client:
                poller = Poller(
                    sources("gate", "usdt", self.history.environment),
                    self.poll,
                    asker=Asker(clock, PATIENT, client),
                    timing=PATIENT,
                    clock=clock,
                    log=self.log,  # type: ignore[arg-type]
                    cursors=self.cursors,
                )
                for clock.time_ms in at_ms:
                    await poller.step()

        asyncio.run(work())

    def events(self) -> list[Any]:
        return [
            event for feed, answer in self.log.answers for event in events_of("gate", feed, answer)
        ]


@pytest.fixture
def new_scene() -> Iterator[Callable[[Poll], Scene]]:
    with LocalHistory(past("gate", "usdt"), scale=TIMING.limit_scale) as history:
        history.add(frames(dialect("gate", "usdt"), 1_000, 1_000))
        yield lambda poll: Scene(history, poll)


def test_a_completion_goes_on_where_it_was_in_another_process(
    new_scene: Callable[[Poll], Scene],
) -> None:
    """Nothing of the past at the first start; then every second once, whoever polls."""
    scene = new_scene(COMPLETION)
    scene.run(BEGIN_MS)
    assert (scene.events(), scene.cursors) == ([], {"gate.usdt-completion": BEGIN_MS - 120_000})
    scene.run(BEGIN_MS + 300_000, BEGIN_MS + 600_000)
    scene.run(BEGIN_MS + 900_000)
    events = scene.events()
    assert {event.arrival for event in events} == {Arrival.COMPLETED}
    seconds = [(event.timestamp_ms - START_MS) // 1_000 for event in events]
    # The second of a boundary may be asked for twice: it has one id.
    assert sorted(set(seconds)) == list(range(80, 981))
    assert len(seconds) - len(set(seconds)) <= 3
    assert scene.log.reports == []


def test_a_completion_that_was_away_for_long_leaves_the_past_alone(
    new_scene: Callable[[Poll], Scene],
) -> None:
    scene = new_scene(COMPLETION)
    scene.cursors["gate.usdt-completion"] = START_MS - 86_400_000
    scene.run(BEGIN_MS + 300_000)
    [question] = [call.query for call in scene.history.asked]
    assert int(question["to"]) - int(question["from"]) == 300


def test_the_feed_of_a_venue_that_pushes_nothing(new_scene: Callable[[Poll], Scene]) -> None:
    """Its events are live, with the live feed's form of a gap where it was not polled for long."""
    scene = new_scene(LIVE)
    scene.run(BEGIN_MS, BEGIN_MS + 10_000)
    scene.history.status = 503
    scene.run(BEGIN_MS + 20_000, BEGIN_MS + 30_000)
    scene.history.status = None
    scene.run(BEGIN_MS + 40_000)
    scene.run(BEGIN_MS + 140_000)
    cursor = BEGIN_MS - 2_000
    assert scene.log.reports == [
        (FeedEvent.CONNECTED, None, None),
        (FeedEvent.CONNECTED, None, None),
        (FeedEvent.LOST, cursor + 10_000, None),
        (FeedEvent.CONNECTED, None, None),
        (FeedEvent.CONNECTED, None, None),
        (FeedEvent.GAP, cursor + 40_000, cursor + 130_000),
    ]
    assert scene.cursors == {"gate.usdt": cursor + 140_000}
    assert {feed for feed, _ in scene.log.answers} == {"usdt"}
