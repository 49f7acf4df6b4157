"""Streams that ask for a key: it opens them, and stands in no log and no record."""

import json

import orjson
import pytest

from liq.devstack.exchange.server import KEY
from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.runtime.settings import Settings
from liq.schemas.vocabulary import FeedEvent
from tests.conftest import RunWorker
from tests.integration.producers.live.conftest import OpenExchange, StartThread, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.live_producer import IMPATIENT, target
from tests.support.node_files import both_fills

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


def test_the_largest_block_known_is_one_message_and_several_records_without_a_gap(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    goldrush = open_exchange("hyperliquid", "goldrush")
    start_thread(goldrush)
    wait_until(lambda: goldrush.subscribers == 1)
    pairs = [one for number in range(11_279) for one in both_fills(number)]
    goldrush.publish(json.dumps({"channel": "liquidationFills", "fills": pairs})).result(60)
    wait_until(
        lambda: (
            sum(
                len(orjson.loads(frame)["fills"]) for frame in log.frames("hyperliquid", "goldrush")
            )
            == len(pairs)
        )
    )
    assert max(map(len, log.frames("hyperliquid", "goldrush"))) <= MAX_FRAME_BYTES
    assert set(log.events("hyperliquid", "goldrush")) == {FeedEvent.CONNECTED}
