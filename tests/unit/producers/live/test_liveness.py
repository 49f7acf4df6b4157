"""Clocks in hand: when connections are dead and feeds stale."""

import pytest

from liq.producers.feeds import FeedSpec, Heartbeat
from liq.producers.feeds.registry import FEEDS
from liq.producers.live.liveness import (
    MOST_STRETCH,
    OTHERS_ACTIVE_SECONDS,
    Activity,
    ConnectionActivity,
    FeedActivity,
    PingSchedule,
    blind_feeds,
)
from liq.schemas.headers import EVERY_FEED

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
    assert feeds.feeds["binance.usdm"].silence(1_010.0) == 20.0, "ten before, ten since"


def test_a_silent_feed_that_reconnects_again_and_again_becomes_stale() -> None:
    feeds = activity()
    told = []
    for now in range(0, 3_000, 10):
        feeds.note_data("okx.public", float(now))
        if now % 200 == 100:  # well within the limit of 300 s
            feeds.feeds["binance.usdm"].note_connections(-1, float(now))
            feeds.feeds["binance.usdm"].note_connections(1, now + 1.0)
        told += [now for label in feeds.newly_stale(now + 1.0) if label == "binance.usdm"]
    assert told
    feeds.note_data("binance.usdm", 3_000.0)
    assert feeds.feeds["binance.usdm"].silence(3_010.0) == 10.0


def test_a_silence_that_goes_on_is_told_again_after_twice_the_wait() -> None:
    feeds = activity()
    told = []
    for now in range(0, 3_000, 10):
        feeds.note_data("okx.public", float(now))
        told += [now for label in feeds.newly_stale(float(now)) if label == "binance.usdm"]
    assert told == [300, 900, 2_100]


def test_another_process_is_as_good_a_witness() -> None:
    feeds = Activity({"okx.public": FeedActivity("okx", 300)})
    feeds.feeds["okx.public"].note_connections(1, 0.0)
    assert feeds.newly_stale(300.0) == []
    feeds.note_others(250.0)
    assert feeds.newly_stale(300.0) == ["okx.public"]


def several(
    *names: int, silence_seconds: float = 600.0
) -> tuple[Activity, list[ConnectionActivity]]:
    """A feed of connections with so many names each, subscribed at 0."""
    feed = FeedActivity("bybit", silence_seconds)
    for number, count in enumerate(names):
        part = ConnectionActivity(tuple(f"S{number}x{each}" for each in range(count)))
        feed.parts.append(part)
        feed.set_connected(part, connected=True, now=0.0)
    return Activity({"bybit.linear": feed}), feed.parts


def stale_at(
    feeds: Activity,
    part: ConnectionActivity,
    talking: ConnectionActivity,
    every: float,
    until: float,
) -> list[float]:
    """When a connection is told as stale while another one talks."""
    told = []
    now = 0.0
    while now < until:
        now += every
        feeds.note_data("bybit.linear", now, talking)
        told += [now for _, each in feeds.newly_stale_parts(now) if each is part]
    return told


def test_one_connection_of_two_is_stale_while_the_other_talks() -> None:
    feeds, (talking, silent) = several(2, 2)
    assert stale_at(feeds, silent, talking, every=30.0, until=1_300.0) == [1_200.0]
    assert feeds.feeds["bybit.linear"].stale_parts == 1
    feeds.note_data("bybit.linear", 1_301.0, silent)
    assert feeds.feeds["bybit.linear"].stale_parts == 0


def test_thirty_frames_that_were_expected_make_the_feeds_own_limit_hold() -> None:
    feeds, (talking, silent) = several(2, 2)
    assert stale_at(feeds, silent, talking, every=1.0, until=700.0) == [600.0]


def test_a_connection_of_thin_symbols_may_be_quiet_for_longer() -> None:
    """It brought 1 of 100 frames before, so that its usual silence is a hundred times as long."""
    feeds, (talking, thin) = several(5, 5)
    for number in range(2_000):
        feeds.note_data("bybit.linear", float(number), thin if number % 100 == 0 else talking)
    told = stale_at(feeds, thin, talking, every=60.0, until=12_000.0)
    assert told
    assert told[0] - 1_900.0 >= 600.0 * MOST_STRETCH / 2


def test_a_silent_connection_is_told_within_a_known_time_whatever_its_share() -> None:
    feeds, parts = several(*[20] * 50)
    told = stale_at(feeds, parts[1], parts[0], every=100.0, until=600.0 * MOST_STRETCH + 1)
    assert told == [600.0 * MOST_STRETCH]


def test_a_feed_that_is_silent_as_a_whole_has_no_stale_connection() -> None:
    feeds, (first, second) = several(2, 2)
    feeds.note_data("bybit.linear", 1.0, first)
    feeds.note_data("bybit.linear", 2.0, second)
    assert feeds.newly_stale_parts(100_000.0) == []


def test_the_only_connection_is_judged_as_its_feed() -> None:
    feeds, [only] = several(5, silence_seconds=1.0)
    feeds.note_data("bybit.linear", 1.0, only)
    assert feeds.newly_stale_parts(100.0) == []


def test_what_siblings_brought_during_an_outage_is_not_missed() -> None:
    feeds, (talking, lost) = several(2, 2)
    feed = feeds.feeds["bybit.linear"]
    feed.set_connected(lost, connected=False, now=1.0)
    for number in range(1_000):
        feeds.note_data("bybit.linear", float(number), talking)
    feed.set_connected(lost, connected=True, now=1_000.0)
    feeds.note_data("bybit.linear", 1_601.0, talking)
    assert feeds.newly_stale_parts(1_601.0) == []


def test_a_feed_is_blind_while_it_is_not_subscribed_or_stale() -> None:
    feeds = {name: FeedActivity("binance", silence_seconds=60) for name in ("usdm", "coinm")}
    assert blind_feeds(feeds) == (EVERY_FEED,)
    feeds["usdm"].note_connections(1, 100)
    assert blind_feeds(feeds) == ("coinm",)
    feeds["coinm"].note_connections(1, 100)
    assert blind_feeds(feeds) == ()
    assert feeds["usdm"].tell_if_stale(161)
    assert blind_feeds(feeds) == ("usdm",)
    feeds["usdm"].note_data(170)
    assert blind_feeds(feeds) == ()
