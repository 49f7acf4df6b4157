"""Clocks in hand: when connections are dead and feeds stale."""

import pytest

from liq.producers.feeds import FeedSpec, Heartbeat
from liq.producers.feeds.registry import FEEDS
from liq.producers.live.liveness import OTHERS_ACTIVE_SECONDS, Activity, FeedActivity, PingSchedule

HALF_OPEN_LIMIT_SECONDS = 30.0


def schedule(now: float = 100.0) -> PingSchedule:
    return PingSchedule(Heartbeat(every_seconds=15, answer_seconds=10), now)


def test_pings_are_due_every_interval_and_no_sooner() -> None:
    pings = schedule()
    assert not pings.is_due(114.9)
    assert pings.is_due(115.0)
    assert not pings.is_due(115.1)
    assert pings.is_due(130.0)


def test_a_connection_is_dead_when_a_ping_stays_unanswered() -> None:
    pings = schedule()
    assert pings.is_due(115.0)
    assert not pings.is_dead(124.9)
    assert pings.is_dead(125.0)


def test_more_pings_do_not_postpone_death() -> None:
    pings = PingSchedule(Heartbeat(every_seconds=5, answer_seconds=10), 100.0)
    assert [pings.is_due(now) for now in (105.0, 110.0)] == [True, True]
    assert not pings.is_dead(114.9)
    assert pings.is_dead(115.0)


def test_any_frame_after_a_ping_is_a_sign_of_life() -> None:
    pings = schedule()
    pings.is_due(115.0)
    pings.note_sign()
    assert not pings.is_dead(129.9)


def test_silence_without_a_ping_is_no_death() -> None:
    assert not schedule().is_dead(100_000.0)


@pytest.mark.parametrize(
    "feed", [f for feeds in FEEDS.values() for f in feeds], ids=lambda f: f.label
)
def test_every_feed_notices_a_half_open_socket_within_half_a_minute(feed: FeedSpec) -> None:
    heartbeat = feed.heartbeat
    assert heartbeat.every_seconds + heartbeat.answer_seconds <= HALF_OPEN_LIMIT_SECONDS


def activity() -> Activity:
    feeds = {
        "okx.public": FeedActivity("okx", 300),
        "binance.usdm": FeedActivity("binance", 300),
        "binance.coinm": FeedActivity("binance", 3_600),
    }
    found = Activity(feeds)
    for feed in feeds.values():
        feed.note_connections(1, 0.0)
    return found


def test_a_feed_is_stale_when_it_is_silent_and_another_exchange_is_not() -> None:
    feeds = activity()
    feeds.note_data("okx.public", 299.0)
    assert feeds.newly_stale(299.9) == []
    assert feeds.newly_stale(300.0) == ["binance.usdm"]
    assert feeds.newly_stale(301.0) == [], "told once"
    feeds.note_data("binance.usdm", 302.0)
    assert not feeds.feeds["binance.usdm"].is_stale
    feeds.note_data("okx.public", 602.0)
    assert feeds.newly_stale(602.0) == ["binance.usdm"]


def test_nobody_is_stale_when_the_whole_market_is_quiet() -> None:
    feeds = activity()
    feeds.note_data("okx.public", 0.0)
    assert feeds.newly_stale(OTHERS_ACTIVE_SECONDS + 300.1) == []


def test_another_feed_of_the_same_exchange_proves_nothing() -> None:
    feeds = activity()
    del feeds.feeds["okx.public"]
    feeds.note_data("binance.coinm", 400.0)
    assert feeds.newly_stale(400.0) == []


def test_an_unconnected_feed_is_not_silent_but_down() -> None:
    feeds = activity()
    feeds.feeds["binance.usdm"].note_connections(-1, 10.0)
    feeds.note_data("okx.public", 1_000.0)
    assert feeds.newly_stale(1_000.0) == []
    feeds.feeds["binance.usdm"].note_connections(1, 1_000.0)
    assert feeds.feeds["binance.usdm"].silence(1_010.0) == 10.0
