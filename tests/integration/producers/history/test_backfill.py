"""`liq backfill` over a real broker: gaps heal, in ClickHouse too, and a kill costs no question."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pytest

from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import LocalHistory
from liq.devstack.exchange.registry import dialect, past
from liq.devstack.progress import PipelineProgress
from liq.producers.history import run
from liq.producers.history.notes import Note, read_note
from liq.runtime.feed_records import deliver_feed_status
from liq.runtime.health import Health
from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.partitions import committed_places
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import FeedEvent
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.installation import install
from tests.conftest import RunWorker
from tests.support.feed_log import FeedLog
from tests.support.histories import TIMING, PastClock, events_of, frames, sources

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

#: Ten minutes at 200 events a minute, and two minutes before and after.
EVERY_MS: Final = 300
GAP_MS: Final = (START_MS + 120_000, START_MS + 720_000)
COUNT: Final = 2_800
NOW_MS: Final = START_MS + 900_000
ENDS: Final = {FeedEvent.FILLED, FeedEvent.PARTLY, FeedEvent.UNRECOVERABLE}
FEEDS: Final = (
    ("bitfinex", "status"),
    ("deribit", "trades"),
    ("dydx", "trades"),
    ("gate", "usdt"),
    ("okx", "public"),
)
WaitUntil = Callable[..., None]


@dataclass
class Venue:
    """A venue whose live feed missed the gap, and whose history did not."""

    exchange: str
    feed: str
    sent: list[Any]
    history: LocalHistory

    def live(self) -> list[tuple[int, bytes]]:
        """Frames that the live feed brought, with their times."""
        times = [
            (START_MS + (number + 1) * EVERY_MS, each) for number, each in enumerate(self.sent)
        ]
        return [
            (time_ms, orjson.dumps(each))
            for time_ms, each in times
            if not GAP_MS[0] <= time_ms <= GAP_MS[1]
        ]

    def ledger(self) -> dict[str, str]:
        """The ids of all events, with how each reached the log."""
        first, last = GAP_MS
        events = [e for each in self.sent for e in events_of(self.exchange, self.feed, each)]
        return {
            event.event_id: "backfilled" if first <= event.timestamp_ms <= last else "live"
            for event in events
        }


def gap(exchange: str, feed: str, from_ms: int = GAP_MS[0], to_ms: int = GAP_MS[1]) -> FeedStatus:
    return FeedStatus(
        exchange=exchange, feed=feed, connection=f"a:{exchange}.{feed}#0", event=FeedEvent.GAP,
        timestamp_ms=to_ms, detail="cut", from_ms=from_ms, to_ms=to_ms,
    )  # fmt: skip


async def publish(settings: Settings, venues: list[Venue], gaps: list[FeedStatus]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for venue in venues:
            for sequence, (time_ms, frame) in enumerate(venue.live()):
                headers = FrameHeaders(
                    venue.exchange, venue.feed, time_ms * MILLISECOND_NS, "a", sequence
                )
                await producer.send(
                    settings.topics.raw(venue.exchange), frame, key=b"k", headers=headers.encode()
                )
        await producer.flush()
        for each in gaps:
            await deliver_feed_status(producer, settings.topics, each)
    finally:
        await producer.stop()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    exchanges = tuple(exchange for exchange, _ in FEEDS)
    monkeypatch.setenv("EXCHANGES", ",".join(exchanges))
    made = make_settings()
    asyncio.run(ensure_topics(made, exchanges))
    return made


@pytest.fixture
def venues() -> Iterator[list[Venue]]:
    with ExitStack() as stack:
        found = []
        for exchange, feed in FEEDS:
            history = stack.enter_context(
                LocalHistory(past(exchange, feed), scale=TIMING.limit_scale)
            )
            sent = frames(dialect(exchange, feed), COUNT, EVERY_MS)
            history.add(sent)
            found.append(Venue(exchange, feed, sent, history))
        yield found


def ends(log: FeedLog) -> dict[tuple[str, str], FeedStatus]:
    found = [status for status in log.statuses() if status.event in ENDS]
    assert len(found) == len({(each.exchange, each.feed, each.from_ms) for each in found})
    return {(each.exchange, each.feed): each for each in found}


async def repair(
    settings: Settings,
    venues: list[Venue],
    wait_until: WaitUntil,
    condition: Callable[[], bool],
    now_ms: int = NOW_MS,
) -> None:
    """Run the worker in this process until a condition holds, and let it end by itself."""
    stop = asyncio.Event()
    histories = [
        source
        for venue in venues
        for source in sources(venue.exchange, venue.feed, venue.history.environment)
    ]
    worker = asyncio.create_task(
        run(
            settings,
            histories,
            {("binance", "usdm"): "Binance publishes none"},
            health=Health(),
            stop=stop,
            timing=TIMING,
            clock=PastClock(now_ms),
        )
    )
    try:
        waiting = asyncio.create_task(asyncio.to_thread(wait_until, condition))
        await asyncio.wait({worker, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            worker.result()
        await waiting
    finally:
        stop.set()
        await worker


@pytest.mark.usefixtures("clickhouse")
def test_ten_minutes_of_five_venues_come_back(
    settings: Settings, venues: list[Venue], run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    """ClickHouse equals the ledger, nothing is doubled, and no venue's limit is broken."""
    install(settings)
    gaps = [gap(exchange, feed) for exchange, feed in FEEDS]
    # A second connection missed a part of it, and a venue has no history.
    gaps.append(gap("gate", "usdt", GAP_MS[0] + 1_000, GAP_MS[1] - 1_000))
    gaps.append(gap("binance", "usdm"))
    asyncio.run(publish(settings, venues, gaps))
    log = FeedLog(settings)
    asyncio.run(repair(settings, venues, wait_until, lambda: len(ends(log)) == len(FEEDS) + 1))

    told = ends(log)
    assert told.pop(("binance", "usdm")).event is FeedEvent.UNRECOVERABLE
    assert {each.event for each in told.values()} == {FeedEvent.FILLED}
    assert all(2_000 <= (each.row_count or 0) <= 2_004 for each in told.values()), told
    assert [venue.history.limited for venue in venues] == [0] * len(venues)
    assert len([each for each in log.statuses() if each.event in ENDS]) == len(gaps)

    run_worker("process", "normalize", settings=settings)
    run_worker("sink", "clickhouse", settings=settings)
    wait_until(lambda: is_stored(settings))
    expected = {name: arrival for venue in venues for name, arrival in venue.ledger().items()}
    client = connect(settings)
    rows = client.query("SELECT event_id, arrival FROM liquidations FINAL").result_rows
    client.close()
    stored = {event_id: arrival for event_id, arrival in rows}  # noqa: C416 - rows are untyped
    assert len(rows) == len(stored) == len(FEEDS) * COUNT
    assert stored == expected


def test_a_completion_goes_on_from_the_committed_place(
    settings: Settings, venues: list[Venue], wait_until: WaitUntil
) -> None:
    """The first start asks for nothing of the past; the next one asks from there on."""
    [gate] = [venue for venue in venues if venue.exchange == "gate"]
    asyncio.run(repair(settings, [gate], wait_until, lambda: bool(cursors(settings)), NOW_MS))
    assert cursors(settings) == {"gate.usdt-completion": NOW_MS - 120_000}
    assert gate.history.asked == []
    later_ms = NOW_MS + 60_000
    place = {"gate.usdt-completion": later_ms - 120_000}
    asyncio.run(repair(settings, [gate], wait_until, lambda: cursors(settings) == place, later_ms))
    [question] = [call.query for call in gate.history.asked]
    assert int(question["from"]) == (NOW_MS - 120_000) // 1_000
    assert FeedLog(settings).frames("gate", "usdt-completion")


def is_stored(settings: Settings) -> bool:
    async def ask() -> bool:
        topics = settings.topics
        raw = [topics.raw(exchange) for exchange, _ in FEEDS]
        async with PipelineProgress(settings) as progress:
            return (
                await progress.lag("normalize", raw) == 0
                and await progress.held([topics.events]) > 0
                and await progress.lag("sink-clickhouse", [topics.events]) == 0
            )

    return asyncio.run(ask())


def noted(settings: Settings) -> list[Note]:
    """The notes that the worker's group has committed."""

    async def ask() -> list[Note]:
        admin = new_admin(settings, "test")
        await admin.start()
        try:
            places = await committed_places(admin, settings.group("backfill"))
        finally:
            await admin.close()
        return [read_note(text) for _, text in places.values()]

    return asyncio.run(ask())


def answers_noted(settings: Settings) -> int:
    return sum(each.answers for note in noted(settings) for each in note.progress.values())


def cursors(settings: Settings) -> dict[str, int]:
    return {name: ms for note in noted(settings) for name, ms in note.cursors.items()}


def test_a_killed_worker_goes_on_where_it_was(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    """Of its calls at most the one that was not answered is made again."""
    sent = frames(dialect("dydx", "trades"), COUNT, EVERY_MS)
    now_ms = START_MS + COUNT * EVERY_MS
    with LocalHistory(past("dydx", "trades")) as history:
        history.add(sent)
        history.fails_after = 4
        asyncio.run(publish(settings, [], [gap("dydx", "trades", START_MS, now_ms)]))
        environment = history.environment
        first = run_worker("backfill", "dydx", settings=settings, environment=environment)
        wait_until(lambda: len(history.asked) == 4 and answers_noted(settings) == 4)
        os.kill(first.process_id, signal.SIGKILL)
        first.expect_end()
        history.fails_after = None
        run_worker("backfill", "dydx", settings=settings, environment=environment)
        log = FeedLog(settings)
        wait_until(lambda: ("dydx", "trades") in ends(log))
        queries = [call.query["createdBeforeOrAt"] for call in history.asked]
    [ended] = ends(log).values()
    assert (ended.event, ended.request_count) == (FeedEvent.FILLED, len(queries))
    assert len(queries) == len(set(queries))
    assert len(log.frames("dydx", "trades-history")) == len(queries)
