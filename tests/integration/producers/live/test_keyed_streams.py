"""Streams that ask for a key: it opens them, and stands in no log and no record."""

import pytest

from liq.devstack.exchange.server import KEY
from liq.runtime.settings import Settings
from liq.schemas.vocabulary import FeedEvent
from tests.conftest import RunWorker
from tests.integration.producers.live.conftest import OpenExchange, StartThread, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.live_producer import IMPATIENT, target

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

WRONG = f"wrong-{KEY}"


def test_a_key_that_is_refused_is_in_no_log_and_no_record(
    open_exchange: OpenExchange,
    run_worker: RunWorker,
    settings: Settings,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    public = open_exchange("hyperliquid", "userFills")
    goldrush = open_exchange("hyperliquid", "goldrush")
    environment = {
        **public.environment,
        **goldrush.environment,
        "HYPERLIQUID_GOLDRUSH_KEY": WRONG,
        "LOG_LEVEL": "DEBUG",
    }
    worker = run_worker("produce", "hyperliquid", settings=settings, environment=environment)
    wait_until(lambda: bool(log.statuses("hyperliquid", "goldrush")))
    assert worker.stop() == 0
    assert "401" in worker.log
    assert WRONG not in worker.log
    assert all(WRONG not in status.detail for status in log.statuses())


def test_the_failures_of_a_stream_are_not_the_venues(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    public = open_exchange("hyperliquid", "userFills")
    goldrush = open_exchange("hyperliquid", "goldrush")
    start_thread(public, target(goldrush, {"HYPERLIQUID_GOLDRUSH_KEY": WRONG}))
    wait_until(lambda: log.has(FeedEvent.STORM))
    wait_until(lambda: FeedEvent.CONNECTED in log.events("hyperliquid", "userFills"))
    public.cut()
    wait_until(lambda: log.events("hyperliquid", "userFills").count(FeedEvent.CONNECTED) == 2)
    assert log.events("hyperliquid", "userFills").count(FeedEvent.STORM) == 0


def test_a_stream_without_an_answer_to_its_subscription_is_taken_for_subscribed(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    hydromancer = open_exchange("hyperliquid", "hydromancer")
    hydromancer.is_mute = True
    start_thread(hydromancer, timing=IMPATIENT)
    wait_until(lambda: log.events("hyperliquid", "hydromancer") == [FeedEvent.CONNECTED])
