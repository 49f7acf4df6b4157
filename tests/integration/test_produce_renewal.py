"""Connections that are replaced while they work: before they expire, and when they went stale."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from liq.local_exchange.dialects import dialect
from liq.local_exchange.server import LocalExchange
from producers.addresses import Target, targets
from producers.live import produce
from producers.registry import FEEDS
from runtime.health import Health
from runtime.settings import Settings
from schemas.codec import decode
from schemas.records import FeedStatus
from schemas.vocabulary import FeedEvent
from tests.pipeline_log import values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

WAIT_SECONDS = 30.0


@pytest.fixture
def okx() -> Iterator[LocalExchange]:
    with LocalExchange(dialect("okx", "public")) as exchange:
        yield exchange


@pytest.fixture
def bitmex() -> Iterator[LocalExchange]:
    with LocalExchange(dialect("bitmex", "liquidation")) as exchange:
        yield exchange


def target(exchange: LocalExchange, **changes: float) -> Target:
    [feed] = FEEDS[exchange.dialect.exchange]
    [found] = targets((replace(feed, **changes),), exchange.environment)  # type: ignore[arg-type] - floats
    return found


@asynccontextmanager
async def producing(settings: Settings, *chosen: Target) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(produce(settings, chosen, Health(), stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def wait_for(exchange: LocalExchange, opened: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while exchange.opened < opened or not exchange.subscribers:  # noqa: ASYNC110 - in a thread
            await asyncio.sleep(0.02)


def events(settings: Settings) -> list[tuple[str, FeedEvent]]:
    records = [decode(FeedStatus, value) for value in values(settings, settings.topics.feeds)]
    return [(record.exchange, record.event) for record in records]


async def test_a_connection_is_replaced_before_it_expires_and_nothing_is_lost(
    settings: Settings, okx: LocalExchange
) -> None:
    async with producing(settings, target(okx, lifetime_seconds=1.0)):
        await wait_for(okx, opened=1)
        sending = okx.start_sending(1_000, 0.005)
        await asyncio.wrap_future(sending)
        await wait_for(okx, opened=3)
    received = await asyncio.to_thread(values, settings, settings.topics.raw("okx"))
    assert set(received) == set(okx.ledger)
    assert len(received) > len(okx.ledger), "both connections brought the frames of the overlap"
    found = await asyncio.to_thread(events, settings)
    assert {event for _, event in found} == {FeedEvent.CONNECTED}
    assert len(found) >= 3


async def test_a_feed_that_is_silent_while_another_talks_is_stale_and_connected_anew(
    settings: Settings, okx: LocalExchange, bitmex: LocalExchange
) -> None:
    async with producing(settings, target(okx), target(bitmex, silence_seconds=1.0)):
        await wait_for(okx, opened=1)
        await wait_for(bitmex, opened=1)
        okx.send(1)
        await wait_for(bitmex, opened=2)
        bitmex.send(1)
    found = await asyncio.to_thread(events, settings)
    assert found.count(("bitmex", FeedEvent.STALE)) == 1
    assert ("okx", FeedEvent.STALE) not in found
    received = await asyncio.to_thread(values, settings, settings.topics.raw("bitmex"))
    assert set(received) == set(bitmex.ledger)


async def test_a_replacement_that_fails_leaves_the_old_connection_at_work(
    settings: Settings, okx: LocalExchange
) -> None:
    async with producing(settings, target(okx, lifetime_seconds=1.0)):
        await wait_for(okx, opened=1)
        okx.refused = frozenset({"SWAP", "FUTURES"})
        # A third one is opened only because the second was refused everything.
        await wait_for(okx, opened=3)
        okx.send(20)
    received = await asyncio.to_thread(values, settings, settings.topics.raw("okx"))
    assert received == okx.ledger
    found = await asyncio.to_thread(events, settings)
    assert ("okx", FeedEvent.REFUSED) in found
    assert ("okx", FeedEvent.GAP) not in found
