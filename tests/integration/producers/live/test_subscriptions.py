"""Subscriptions that are refused, unanswered, partly bad, or of markets that come later."""

import pytest

from liq.devstack.exchange.server import LocalExchange
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import (
    CountSince,
    OpenExchange,
    StartThread,
    WaitUntil,
)
from tests.support.feed_log import FeedLog
from tests.support.live_producer import IMPATIENT, target

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


def test_a_refused_subscription_is_recorded_and_does_not_touch_other_exchanges(  # noqa: PLR0913, PLR0917 - fixtures
    okx: LocalExchange,
    bitmex: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    bitmex.refused = frozenset({"liquidation"})
    producer = start_thread(okx, bitmex)
    wait_until(lambda: log.has(FeedEvent.REFUSED, "Unknown table"))
    wait_until(lambda: okx.subscribers == 1)
    okx.send(20)
    bitmex.refused = frozenset()
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.send(20)
    wait_until(lambda: log.has(FeedEvent.GAP))
    producer.stop()
    assert log.frames("okx") == okx.ledger
    assert log.frames("bitmex") == bitmex.ledger
    assert log.events("okx") == [FeedEvent.CONNECTED]
    refused = log.all_of(FeedEvent.REFUSED)
    assert count_since(exchange="bitmex", feed="liquidation", event="refused") == len(refused)
    gap = log.statuses("bitmex")[-1]
    assert gap.event is FeedEvent.GAP
    assert gap.from_ms is not None
    assert gap.to_ms is not None
    assert gap.from_ms <= refused[0].timestamp_ms <= gap.to_ms


def test_one_bad_symbol_is_left_out_and_named(
    open_exchange: OpenExchange,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    bybit = open_exchange("bybit", "linear")
    bybit.refused = frozenset({"S3USDT"})
    names = ",".join(["BTCUSDT", *(f"S{number}USDT" for number in range(9))])
    producer = start_thread(target(bybit, {"BYBIT_LINEAR_SYMBOLS": names}))
    wait_until(lambda: log.has(FeedEvent.CONNECTED, "9 subscriptions"))
    bybit.send(5)
    producer.stop()
    assert log.frames("bybit") == bybit.ledger
    [refused] = log.all_of(FeedEvent.REFUSED)
    assert refused.detail == "S3USDT: error:handler not found,topic:allLiquidation.S3USDT"


def test_an_unanswered_subscription_is_refused_in_time(
    okx: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    okx.is_mute = True
    producer = start_thread(okx, timing=IMPATIENT)
    wait_until(lambda: log.has(FeedEvent.REFUSED, "not acknowledged within 1 s"))
    okx.is_mute = False
    wait_until(lambda: okx.subscribers == 1)
    wait_until(lambda: log.has(FeedEvent.GAP))
    producer.stop()
    refused = log.all_of(FeedEvent.REFUSED)
    assert refused[0].detail.startswith("SWAP, FUTURES: ")
    assert count_since(exchange="okx", feed="public", event="refused") == len(refused)


def test_a_market_that_is_listed_later_is_subscribed_without_a_gap(
    open_exchange: OpenExchange,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    pacifica = open_exchange("pacifica", "trades")
    producer = start_thread(pacifica)
    wait_until(lambda: pacifica.subscribers == 1)
    sending = pacifica.start_sending(300, 0.005)
    pacifica.list_markets("BTC", "NEW")
    wait_until(lambda: log.has(FeedEvent.CONNECTED, "2 subscriptions"))
    pacifica.send(3, "NEW")
    sending.result(60)
    producer.stop()
    assert set(log.frames("pacifica")) == set(pacifica.ledger)
    assert set(log.events()) == {FeedEvent.CONNECTED}
    # The longer list went out on a connection of its own, and only once.
    assert pacifica.opened == 2


def test_markets_that_cannot_be_listed_are_a_record_and_asked_for_again(
    open_exchange: OpenExchange,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    lighter = open_exchange("lighter", "trade")
    lighter.listing = {"maintenance": True}
    producer = start_thread(lighter)
    wait_until(lambda: log.has(FeedEvent.LOST, "could not be listed"))
    lighter.list_markets("1")
    wait_until(lambda: lighter.subscribers == 1)
    lighter.send(3)
    producer.stop()
    assert set(log.frames("lighter")) == set(lighter.ledger)
