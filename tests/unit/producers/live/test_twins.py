"""When a twin has received a feed all the time, by its heartbeats and its feed records."""

import asyncio
from dataclasses import dataclass

import pytest

from liq.producers.live.clock import SystemClock
from liq.producers.live.coverage import is_twin, last_of_shard, open_outages
from liq.producers.live.status import FeedReporter, NamedFeed
from liq.producers.live.twins import Beat, covering_twin
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

FROM_MS, TO_MS = 10_000, 16_000


@dataclass(frozen=True)
class Feed:
    exchange: str = "okx"
    name: str = "public"


def beats(first_ms: int = 9_000, last_ms: int = 17_000, step_ms: int = 1_000) -> list[Beat]:
    return [Beat(time_ms) for time_ms in range(first_ms, last_ms + 1, step_ms)]


def status(
    event: FeedEvent, timestamp_ms: int, from_ms: int | None = None, name: str = "b"
) -> FeedStatus:
    return FeedStatus(
        exchange="okx",
        feed="public",
        connection=f"{name}:okx.public:1f",
        event=event,
        timestamp_ms=timestamp_ms,
        from_ms=from_ms,
    )


def covering(found: list[Beat], *statuses: FeedStatus) -> str:
    return covering_twin({"b": found}, statuses, Feed(), FROM_MS, TO_MS)


def test_a_twin_that_beat_all_the_time_covers() -> None:
    assert covering(beats()) == "b"
    ended = [status(FeedEvent.LOST, 2_000, 1_900), status(FeedEvent.GAP, 3_000, 1_900)]
    assert covering(beats(), *ended) == "b"
    # What happened to it after, or to another producer, is no matter.
    assert covering(beats(), status(FeedEvent.LOST, 20_000, 19_000)) == "b"
    assert covering(beats(), status(FeedEvent.LOST, 12_000, 11_000, name="c")) == "b"


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(beats(first_ms=11_000), id="it began later"),
        pytest.param(beats(last_ms=15_000), id="it ended before"),
        pytest.param(beats(last_ms=11_000) + beats(first_ms=15_000), id="it stood still"),
        pytest.param(
            [*beats(last_ms=11_000), Beat(12_000, ("public",)), *beats(first_ms=13_000)],
            id="it was blind",
        ),
        pytest.param([Beat(each.time_ms, ("*",)) for each in beats()], id="all was blind"),
        pytest.param([], id="it was not there"),
    ],
)
def test_a_twin_that_was_away_does_not(found: list[Beat]) -> None:
    assert covering(found) == ""


@pytest.mark.parametrize(
    "statuses",
    [
        pytest.param([status(FeedEvent.LOST, 12_000, 11_000)], id="lost within"),
        pytest.param([status(FeedEvent.LOST, 21_000, 15_000)], id="noticed later"),
        pytest.param([status(FeedEvent.LOST, 5_000, 4_900)], id="still away"),
        pytest.param(
            [status(FeedEvent.LOST, 5_000, 4_900), status(FeedEvent.GAP, 12_000, 4_900)],
            id="back within",
        ),
        pytest.param([status(FeedEvent.STALE, 12_000)], id="silent"),
    ],
)
def test_a_twin_whose_connection_was_away_does_not(statuses: list[FeedStatus]) -> None:
    assert covering(beats(), *statuses) == ""


def test_a_covered_outage_is_no_open_outage_later() -> None:
    covered = status(FeedEvent.CONNECTED, 6_000, 4_900)
    lost = status(FeedEvent.LOST, 5_000, 4_900)
    assert open_outages([lost, status(FeedEvent.CONNECTED, 5_500)], "okx", "b") == {"public": 4_900}
    assert open_outages([lost, covered], "okx", "b") == {}
    assert covering(beats(), lost, covered) == "b"


def test_twins_have_the_same_shard() -> None:
    assert is_twin("b", "a")
    assert not is_twin("a", "a")
    assert is_twin("p-3.0of3", "p-0.0of3")
    assert not is_twin("p-1.1of3", "p-0.0of3")
    assert not is_twin("p-0", "p-0.0of3")


def test_the_last_of_a_shard_or_the_first_that_ended_of_another_spread() -> None:
    latest = {"p-0.0of2": 10, "p-2.0of2": 30, "p-1.1of2": 50}
    assert last_of_shard(latest, "p-0.0of2") == "p-2.0of2"
    # Three shards now: each of the former two may have had a part.
    assert last_of_shard(latest, "p-2.2of3") == "p-0.0of2"
    # Other parts of the same spread say nothing about this one.
    assert last_of_shard({"p-1.1of2": 50}, "p-0.0of2") is None


class Answer:
    def __init__(self, name: str, seconds: float = 0.0) -> None:
        self._name, self._seconds = name, seconds

    async def covering(self, feed: NamedFeed, from_ms: int, to_ms: int) -> str:
        del feed, from_ms, to_ms
        await asyncio.sleep(self._seconds)
        return self._name


async def told(answer: Answer, *, may_be_covered: bool = True, cancel: bool = False) -> FeedStatus:
    records: list[FeedStatus] = []

    async def publish(record: FeedStatus) -> None:
        records.append(record)

    reporter = FeedReporter(publish, SystemClock(), answer)
    telling = asyncio.create_task(
        reporter.gap(Feed(), "a:okx.public:1", 1_000, "why", may_be_covered=may_be_covered)
    )
    await asyncio.sleep(0)
    if cancel:
        telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    [record] = records
    return record


async def test_a_covered_gap_says_by_whom() -> None:
    record = await told(Answer("b"))
    assert (record.event, record.from_ms) == (FeedEvent.CONNECTED, 1_000)
    assert "b received" in record.detail


async def test_any_other_is_a_gap() -> None:
    assert (await told(Answer(""))).event is FeedEvent.GAP
    assert (await told(Answer("b"), may_be_covered=False)).event is FeedEvent.GAP
    # A producer that is stopped while it looks reports what it knows.
    assert (await told(Answer("b", seconds=60), cancel=True)).event is FeedEvent.GAP
