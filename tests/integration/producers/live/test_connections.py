"""Connections that break, go silent, expire or come in storms; nothing goes missing in silence."""

from dataclasses import replace
from http import HTTPStatus

import pytest

from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.registry import DIALECTS
from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds import Heartbeat
from liq.producers.feeds.registry import FEEDS
from liq.producers.feeds.venues.okx import subscribe as okx_subscribe
from liq.runtime.metrics import FEED_BREAKER, FEED_CONNECTED
from liq.runtime.retry import BreakerPolicy
from liq.schemas.headers import EVERY_FEED, blind_header
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import CountSince, StartThread, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.live_producer import FAST, target

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


def is_a_gap(record: FeedStatus) -> bool:
    return (
        record.event is FeedEvent.GAP
        and record.from_ms is not None
        and record.to_ms is not None
        and record.from_ms < record.to_ms
    )


def breaker(exchange: str, state: str) -> float:
    found: float = FEED_BREAKER.labels(exchange, state)._value.get()
    return found


def test_a_cut_connection_is_a_loss_and_a_gap(
    okx: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    producer = start_thread(okx)
    wait_until(lambda: okx.subscribers == 1)
    okx.send(120)
    wait_until(lambda: len(log.frames("okx")) == 120)
    okx.repeats = True
    okx.cut()
    wait_until(lambda: okx.opened == 2 and okx.subscribers == 1)
    okx.send(10)
    wait_until(lambda: log.has(FeedEvent.GAP))
    producer.stop()
    assert log.events() == [
        FeedEvent.CONNECTED, FeedEvent.LOST, FeedEvent.CONNECTED, FeedEvent.GAP,
    ]  # fmt: skip
    assert is_a_gap(log.statuses()[-1])
    assert count_since(exchange="okx", feed="public", event="lost") == 1
    assert count_since(exchange="okx", feed="public", event="gap") == 1
    received = log.frames("okx")
    # The hundred repeated frames are there a second time; nothing is missing.
    assert len(received) == 230
    assert set(received) == set(okx.ledger)


def test_an_exchange_that_closes_with_try_again_later_is_a_loss_and_a_gap(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    producer = start_thread(okx)
    wait_until(lambda: okx.subscribers == 1)
    okx.send(5)
    okx.close(1013)
    wait_until(lambda: log.has(FeedEvent.GAP))
    okx.send(5)
    producer.stop()
    [lost] = log.all_of(FeedEvent.LOST)
    assert "1013 (try again later)" in lost.detail
    assert is_a_gap(log.statuses()[-1])
    assert log.frames("okx") == okx.ledger


def test_a_half_open_connection_is_noticed_by_its_pings(
    bitmex: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    pings = Heartbeat(text="ping", every_seconds=0.5, answer_seconds=1.0)
    producer = start_thread(target(bitmex, heartbeat=pings))
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.send(5)
    wait_until(lambda: log.frames("bitmex") == bitmex.ledger)
    bitmex.blackhole()
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.send(5)
    wait_until(lambda: log.has(FeedEvent.GAP))
    producer.stop()
    [lost] = log.all_of(FeedEvent.LOST)
    assert lost.detail.startswith("half-open")
    assert count_since(exchange="bitmex", feed="liquidation", event="lost") == 1
    assert is_a_gap(log.statuses()[-1])
    assert log.frames("bitmex") == bitmex.ledger


def test_a_feed_that_is_silent_while_another_talks_is_stale_and_connected_anew(  # noqa: PLR0913, PLR0917 - fixtures
    okx: LocalExchange,
    bitmex: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    producer = start_thread(okx, target(bitmex, silence_seconds=1.0))
    wait_until(lambda: okx.subscribers == 1 and bitmex.subscribers == 1)
    okx.send(1)
    # Two connections, the old one and the new, may be subscribed for a moment.
    wait_until(lambda: log.events("bitmex").count(FeedEvent.CONNECTED) == 2)
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.send(1)
    producer.stop()
    assert log.events("bitmex") == [FeedEvent.CONNECTED, FeedEvent.STALE, FeedEvent.CONNECTED]
    assert log.events("okx") == [FeedEvent.CONNECTED]
    assert count_since(exchange="bitmex", feed="liquidation", event="stale") == 1
    assert log.frames("bitmex") == bitmex.ledger


def test_a_reconnect_storm_is_a_record_and_touches_no_other_exchange(  # noqa: PLR0913, PLR0917 - fixtures
    okx: LocalExchange,
    bitmex: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    okx.cuts_subscribers = True
    producer = start_thread(okx, bitmex)
    wait_until(lambda: bitmex.subscribers == 1)
    sending = bitmex.start_sending(200, 0.005)
    wait_until(lambda: log.has(FeedEvent.STORM))
    assert breaker("okx", "open") == 1.0
    assert okx.opened == 6, "the sixth failure opens the breaker"
    okx.cuts_subscribers = False
    wait_until(lambda: okx.subscribers == 1)
    wait_until(lambda: breaker("okx", "closed") == 1.0)
    okx.send(3)
    sending.result(60)
    assert FEED_CONNECTED.labels("bitmex", "liquidation")._value.get() == 1.0
    producer.stop()
    [storm] = log.all_of(FeedEvent.STORM)
    assert storm.detail.startswith("6 failures in a row")
    assert storm.detail.endswith("next attempt in 1 s")
    assert count_since(exchange="okx", feed="public", event="storm") == 1
    assert log.frames("okx") == okx.ledger
    assert bitmex.opened == 1
    assert log.frames("bitmex") == bitmex.ledger
    assert log.events("bitmex") == [FeedEvent.CONNECTED]


def test_a_fault_of_our_own_in_one_feed_is_survived_and_touches_no_other(  # noqa: PLR0913, PLR0917 - fixtures
    okx: LocalExchange,
    bitmex: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    count_since: CountSince,
    wait_until: WaitUntil,
) -> None:
    calls: list[int] = []

    def subscribe(names: tuple[str, ...], number: int) -> str:
        calls.append(number)
        if len(calls) == 1:
            raise ZeroDivisionError
        return okx_subscribe(names, number)

    producer = start_thread(target(okx, subscribe=subscribe), bitmex)
    wait_until(lambda: bitmex.subscribers == 1)
    sending = bitmex.start_sending(100, 0.005)
    wait_until(lambda: okx.subscribers == 1)
    okx.send(3)
    sending.result(60)
    producer.stop()
    # What was missing until the fault, and what since.
    assert log.events("okx") == [
        FeedEvent.GAP, FeedEvent.LOST, FeedEvent.CONNECTED, FeedEvent.GAP,
    ]  # fmt: skip
    assert log.statuses("okx")[1].detail == "the producer failed inside; see its log"
    assert count_since(exchange="okx", feed="public", event="lost") == 1
    assert log.frames("okx") == okx.ledger
    assert log.events("bitmex") == [FeedEvent.CONNECTED]
    assert log.frames("bitmex") == bitmex.ledger


def test_an_exchange_that_wants_to_be_left_alone_is_asked_once(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    okx.status, okx.retry_after_seconds = 429, 300
    hours = BreakerPolicy(
        failures_to_open=6, first_pause_seconds=1.0, longest_pause_seconds=3_600.0
    )
    producer = start_thread(okx, timing=replace(FAST, breaker=hours))
    wait_until(lambda: log.has(FeedEvent.STORM, "HTTP 429"))
    producer.stop()
    assert log.events() == [FeedEvent.LOST, FeedEvent.STORM, FeedEvent.GAP]
    assert log.statuses()[1].detail.startswith("1 failures in a row")


def test_a_replacement_that_fails_leaves_the_old_connection_at_work(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    producer = start_thread(target(okx, lifetime_seconds=0.5))
    wait_until(lambda: okx.subscribers == 1)
    okx.refused = frozenset({"SWAP", "FUTURES"})
    # A third one is opened only because the second was refused everything.
    wait_until(lambda: okx.opened >= 3)
    okx.send(20)
    producer.stop()
    assert log.frames("okx") == okx.ledger
    assert FeedEvent.REFUSED in log.events()
    assert FeedEvent.GAP not in log.events()


def test_a_stop_in_the_middle_of_a_replacement_ends_both_connections(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    patient = replace(FAST, overlap=3_600.0)
    producer = start_thread(target(okx, lifetime_seconds=0.5), timing=patient)
    wait_until(lambda: log.events() == [FeedEvent.CONNECTED, FeedEvent.CONNECTED])
    producer.stop()
    wait_until(lambda: okx.subscribers == 0)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: f"{each.exchange}.{each.feed}")
def test_a_connection_is_replaced_before_it_expires_and_nothing_is_lost(
    dialect: Dialect, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    with LocalExchange(dialect) as exchange:
        producer = start_thread(
            target(exchange, lifetime_seconds=0.5, request_interval_seconds=0.01)
        )
        wait_until(lambda: exchange.subscribers == 1)
        sending = exchange.start_sending(100_000, 0.005)
        wait_until(lambda: log.events().count(FeedEvent.CONNECTED) >= 2)
        exchange.is_enough = True
        sending.result(60)
        producer.stop()
        received = log.frames(dialect.exchange)
        assert set(received) == set(exchange.ledger)
        assert len(received) > len(exchange.ledger), "both brought the frames of the overlap"
        assert set(log.events()) == {FeedEvent.CONNECTED}


def test_every_feed_has_a_dialect() -> None:
    spoken = {(each.exchange, each.feed) for each in DIALECTS}
    declared = {(feed.exchange, feed.name) for feeds in FEEDS.values() for feed in feeds}
    # Off unless coins are named; they differ from the others in what they ask for.
    assert declared - spoken == {("hyperliquid", "tape"), ("hyperliquid", "trades")}


def test_heartbeats_name_a_feed_while_it_is_not_connected(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    def named() -> list[tuple[str, ...]]:
        return [
            blind_header(record.headers)
            for records in log.heartbeats("okx").values()
            for record in records
        ]

    okx.status = HTTPStatus.SERVICE_UNAVAILABLE
    producer = start_thread(okx)
    wait_until(lambda: len(named()) >= 2)
    assert set(named()) == {(EVERY_FEED,)}
    okx.status = None
    wait_until(lambda: okx.subscribers == 1)
    wait_until(lambda: named()[-1] == ())
    producer.stop()
