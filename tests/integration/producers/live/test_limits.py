"""Limits of venues over real sockets: a local exchange that closes whoever breaks one."""

import pytest

from liq.devstack.exchange.limits import LimitKeeper
from liq.producers.feeds import Limits
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import OpenExchange, StartThread, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.live_producer import target

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


def test_markets_of_a_venue_that_allows_twenty_a_connection_are_spread(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    pacifica = open_exchange("pacifica", "trades")
    feed = target(pacifica, request_interval_seconds=0.01)
    pacifica.limits = LimitKeeper(feed.feed.limits)
    pacifica.list_markets("BTC", *(f"M{number}" for number in range(49)))
    producer = start_thread(feed)
    wait_until(lambda: log.events("pacifica").count(FeedEvent.CONNECTED) == 3)
    pacifica.send(3)
    producer.stop()
    assert pacifica.limits.violations == []
    assert pacifica.opened == 3
    assert FeedEvent.REFUSED not in log.events()


def test_the_connections_of_one_address_share_its_messages_and_unanswered_requests(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    """Lighter's 200 a minute and 50 unanswered; 110 markets on three connections fit them."""
    lighter = open_exchange("lighter", "trade")
    feed = target(lighter, names_per_connection=40, request_interval_seconds=0.005)
    lighter.limits = LimitKeeper(feed.feed.limits)
    lighter.answer_seconds = 0.5
    lighter.list_markets(*(str(number) for number in range(110)))
    producer = start_thread(feed)
    wait_until(lambda: log.events("lighter").count(FeedEvent.CONNECTED) == 3, seconds=60)
    producer.stop()
    assert lighter.limits.violations == []
    assert lighter.opened == 3
    assert {FeedEvent.LOST, FeedEvent.REFUSED}.isdisjoint(log.events())


def test_the_local_exchange_notices_a_client_without_manners(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    """The same start with the limits taken off the declaration breaks them."""
    lighter = open_exchange("lighter", "trade")
    feed = target(lighter, names_per_connection=80, request_interval_seconds=0.001)
    lighter.limits = LimitKeeper(feed.feed.limits)
    lighter.answer_seconds = 0.9
    lighter.list_markets(*(str(number) for number in range(80)))
    rude = target(
        lighter,
        names_per_connection=80,
        request_interval_seconds=0.001,
        limits=Limits(source="none", as_of="2026-01-01"),
    )
    producer = start_thread(rude)
    wait_until(lambda: log.has(FeedEvent.LOST, "1008"))
    producer.stop()
    assert lighter.limits.violations
