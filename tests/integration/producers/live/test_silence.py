"""Parts that go silent: one connection of several, one symbol, one process; and announced ends."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds import Heartbeat
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import FrameHeaders
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import (
    CountSince,
    OpenExchange,
    StartThread,
    WaitUntil,
)
from tests.support.feed_log import FeedLog
from tests.support.live_producer import FAST, IMPATIENT, target

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

NAMES = "AUSDT,BUSDT,CUSDT,DUSDT"
NOTICE = '{"event":"notice","code":"64008","msg":"closed for a service upgrade","connId":"x"}'


def test_one_silent_connection_of_two_is_stale_names_its_symbols_and_is_renewed(
    open_exchange: OpenExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    bybit = open_exchange("bybit", "linear")
    bybit.is_selective = True
    feed = target(
        bybit, {"BYBIT_LINEAR_SYMBOLS": NAMES}, names_per_connection=2, silence_seconds=1.0
    )
    producer = start_thread(feed)
    wait_until(lambda: log.events("bybit").count(FeedEvent.CONNECTED) == 2)

    def talk_until_renewed() -> bool:
        bybit.send(1, "AUSDT")
        return log.events("bybit").count(FeedEvent.CONNECTED) >= 3

    wait_until(talk_until_renewed)
    assert bybit.opened == 3
    producer.stop()
    stale = log.all_of(FeedEvent.STALE)
    assert "CUSDT, DUSDT" in stale[0].detail
    assert "AUSDT" not in stale[0].detail
    assert count_since(exchange="bybit", feed="linear", event="stale") == len(stale)
    assert set(log.frames("bybit")) == set(bybit.ledger)


def test_a_symbol_that_is_never_answered_is_stale_within_the_feeds_limit(
    open_exchange: OpenExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    pacifica = open_exchange("pacifica", "trades")
    pacifica.list_markets("BTC", "MUTE")
    pacifica.ignored = frozenset({"MUTE"})
    producer = start_thread(target(pacifica, silence_seconds=1.0), timing=IMPATIENT)
    wait_until(lambda: log.has(FeedEvent.REFUSED, "MUTE: not acknowledged"))
    wait_until(lambda: log.has(FeedEvent.STALE, "never answered, reconnecting: MUTE"))
    pacifica.ignored = frozenset()
    wait_until(lambda: log.has(FeedEvent.CONNECTED, "2 subscriptions"))
    producer.stop()
    assert FeedEvent.LOST not in log.events()


async def send_frames(settings: Settings, count: int) -> None:
    """What a producer of another process would send."""
    headers = FrameHeaders("okx", "public", 1_783_000_000_000_000_000, "other", 0).encode()
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        for number in range(count):
            key = b"S%d" % number
            await producer.send_and_wait(
                settings.topics.raw("okx"), b"{}", key=key, headers=headers
            )
    finally:
        await producer.stop()


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_process_of_one_exchange_is_stale_by_what_others_write_to_kafka(
    partitions: int,
    bitmex: LocalExchange,
    settings: Settings,
    start_thread: StartThread,
    wait_until: WaitUntil,
) -> None:
    settings = settings.model_copy(update={"topic_partitions": partitions})
    log = FeedLog(settings)
    asyncio.run(ensure_topics(settings, ("okx",)))
    producer = start_thread(target(bitmex, silence_seconds=1.0), settings=settings)
    wait_until(lambda: bitmex.subscribers == 1)

    def others_talk_until_stale() -> bool:
        asyncio.run(send_frames(settings, 20))
        return log.has(FeedEvent.STALE, "another exchange publishes")

    wait_until(others_talk_until_stale)
    producer.stop()


def test_heartbeats_of_others_are_no_witness(
    okx: LocalExchange,
    bitmex: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    """OKX's process lives and is silent: the whole market may be."""
    other = start_thread(okx)
    producer = start_thread(target(bitmex, silence_seconds=1.0))
    wait_until(lambda: bitmex.subscribers == 1 and okx.subscribers == 1)
    wait_until(lambda: sum(map(len, log.heartbeats("okx").values())) >= 5)
    assert FeedEvent.STALE not in log.events()
    okx.send(1)
    wait_until(lambda: log.has(FeedEvent.STALE))
    producer.stop()
    other.stop()


def test_a_notice_of_the_end_is_followed_by_a_new_connection_and_no_gap(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    producer = start_thread(okx)
    wait_until(lambda: okx.subscribers == 1)
    sending = okx.start_sending(100_000, 0.005)
    okx.announce_end(NOTICE, close_seconds=1.0)
    wait_until(lambda: okx.closed_after_notice == 1)
    okx.is_enough = True
    sending.result(60)
    producer.stop()
    assert log.events() == [FeedEvent.CONNECTED, FeedEvent.CONNECTED]
    assert set(log.frames("okx")) == set(okx.ledger)


def test_notices_in_a_row_do_not_make_a_storm(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    """Each new connection reaches a server that goes down too, and says so at once."""
    patient = replace(
        FAST, backoff=replace(FAST.backoff, first_seconds=1.0, longest_seconds=4.0), overlap=0.05
    )
    okx.greeting = NOTICE
    producer = start_thread(okx, timing=patient)
    wait_until(lambda: okx.opened >= 4, seconds=30)
    first, *_, fourth = [record.timestamp_ms for record in log.all_of(FeedEvent.CONNECTED)[:4]]
    producer.stop()
    assert fourth - first >= 1_500
    assert FeedEvent.GAP not in log.events()


def test_an_address_that_stays_silent_is_left_for_a_documented_one_that_talks(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    coinm = dialect("binance", "coinm")
    with (
        LocalExchange(coinm) as former,
        LocalExchange(coinm) as silent,
        LocalExchange(coinm) as new,
    ):
        addresses = [each.environment[coinm.setting] for each in (silent, new)]
        chosen = target(former, silence_seconds=1.0, heartbeat=Heartbeat(every_seconds=5))
        producer = start_thread(okx, replace(chosen, alternatives=tuple(addresses)))
        wait_until(lambda: former.subscribers == 1 and okx.subscribers == 1)
        okx.send(1)
        wait_until(lambda: new.subscribers == 1)
        assert former.subscribers == 1, "the known address is kept until another one talks"
        new.send(1)
        wait_until(lambda: log.has(FeedEvent.MOVED))
        wait_until(lambda: former.subscribers == 0)
        assert silent.opened == 1
        new.send(1)
        new.cut()
        wait_until(lambda: new.opened == 2 and new.subscribers == 1)
        producer.stop()
        [moved] = log.all_of(FeedEvent.MOVED)
        assert addresses[1] in moved.detail
        events = log.events("binance")
        assert events.index(FeedEvent.STALE) < events.index(FeedEvent.MOVED)
        gap = next(record for record in log.all_of(FeedEvent.GAP) if "former" in record.detail)
        assert gap.from_ms == moved.from_ms
        assert log.frames("binance") == new.ledger
        assert former.opened == 1


def test_a_quiet_address_that_talks_again_is_kept(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    coinm = dialect("binance", "coinm")
    with LocalExchange(coinm) as home, LocalExchange(coinm) as other:
        chosen = target(home, silence_seconds=2.0)
        address = other.environment[coinm.setting]
        producer = start_thread(okx, replace(chosen, alternatives=(address,)))
        wait_until(lambda: home.subscribers == 1 and okx.subscribers == 1)
        okx.send(1)
        wait_until(lambda: other.subscribers == 1)
        home.send(2)
        wait_until(lambda: other.subscribers == 0)
        producer.stop()
        assert log.frames("binance") == home.ledger
        assert {FeedEvent.MOVED, FeedEvent.GAP}.isdisjoint(log.events())
