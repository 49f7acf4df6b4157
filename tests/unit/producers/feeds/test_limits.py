"""Every declaration within its venue's limits, with 1,000 markets and a clock in hand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import pytest

from liq.producers.feeds import FeedSpec, Limits, LimitScope, Received
from liq.producers.feeds.plan import allowed_connections, plan_connections
from liq.producers.feeds.registry import ALL_FEEDS, FEEDS
from liq.producers.live.budget import MessageBudget
from liq.producers.live.liveness import PingSchedule
from liq.producers.live.pacing import Pacer
from liq.producers.live.session import TICK_SECONDS
from liq.producers.live.subscriptions import Subscriptions

MARKETS = tuple(f"{number:04}MARKETUSDT" for number in range(1_000))
ANSWER_SECONDS = 2.5
SIMULATED_SECONDS = 900.0


@dataclass
class Client:
    """One connection of the simulation: when it acts next, and what waits for an answer."""

    pacer: Pacer
    feed: FeedSpec
    next_at: float = 0.0
    unanswered: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)
    most_unanswered: int = 0

    def act(self, now: float) -> None:
        while self.unanswered and self.unanswered[0][0] <= now:
            names = self.unanswered.pop(0)[1]
            self.pacer.subscriptions.take(Received(acknowledged=names))
            self.pacer.note_answers()
        before = {name for each in self.pacer.subscriptions._waiting for name in each}
        step = self.pacer.step(now)
        if step.text is not None:
            after = {name for each in self.pacer.subscriptions._waiting for name in each}
            self.unanswered.append((now + ANSWER_SECONDS, tuple(before - after)))
            self.requests.append(now)
        if step.is_ping_due:
            self.pacer.schedule.note_sign()
        sent = int(step.text is not None) + int(step.is_ping_due)
        self.messages.extend([now] * sent)
        pause = TICK_SECONDS if step.text is None else self.feed.request_interval_seconds
        self.next_at = now + pause


def clients(feed: FeedSpec) -> list[Client]:
    names = feed.names if feed.listing is None and feed.names else MARKETS
    shared = MessageBudget(feed.limits) if feed.limits.scope is LimitScope.ADDRESS else None
    found = []
    for number, some in enumerate(plan_connections(feed, names).groups):
        pacer = Pacer(
            f"c{number}",
            Subscriptions(feed, some),
            PingSchedule(feed.heartbeat, last_ping=0.0),
            shared or MessageBudget(feed.limits),
        )
        found.append(Client(pacer, feed))
    return found


def simulate(feed: FeedSpec) -> tuple[list[Client], int]:
    """Run all connections for a while; return them and the most requests without an answer."""
    found = clients(feed)
    most = 0
    now = 0.0
    while now < SIMULATED_SECONDS:
        client = min(found, key=lambda each: each.next_at)
        now = client.next_at
        client.act(now)
        client.most_unanswered = max(client.most_unanswered, len(client.unanswered))
        most = max(most, sum(len(each.unanswered) for each in found))
    return found, most


def most_within(times: Iterable[float], seconds: float) -> int:
    ordered = sorted(times)
    most = first = 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def rates(limits: Limits, messages: list[float], requests: list[float]) -> list[tuple[int, int]]:
    """Return the most of each limited window beside its limit."""
    windows = (
        (limits.messages_per_second, messages, 1.0),
        (limits.messages_per_minute, messages, 60.0),
        (limits.requests_per_second, requests, 1.0),
        (limits.requests_per_hour, requests, 3_600.0),
    )
    return [(most_within(each, secs), limit) for limit, each, secs in windows if limit is not None]


@pytest.mark.parametrize("feed", ALL_FEEDS, ids=lambda feed: feed.label)
def test_every_feed_states_its_limits_with_source_and_date(feed: FeedSpec) -> None:
    assert feed.limits.source
    assert date.fromisoformat(feed.limits.as_of) >= date(2022, 1, 1)
    assert feed.limits.in_words() or "no limit" in feed.limits.source


@pytest.mark.parametrize("feed", ALL_FEEDS, ids=lambda feed: feed.label)
def test_a_thousand_markets_are_subscribed_within_the_limits(feed: FeedSpec) -> None:
    found, most_unanswered = simulate(feed)
    limits = feed.limits
    for client in found:
        assert client.pacer.subscriptions.is_complete, "every name is subscribed in the end"
        names = len(client.pacer.subscriptions.names)
        assert names <= (limits.subscriptions_per_connection or names)
        assert names <= (limits.subscriptions_per_channel or names)
    if limits.scope is LimitScope.ADDRESS:
        groups = [found]
        assert most_unanswered <= (limits.unanswered_requests or most_unanswered)
    else:
        groups = [[client] for client in found]
    for group in groups:
        messages = [time for client in group for time in client.messages]
        requests = [time for client in group for time in client.requests]
        for most, limit in rates(limits, messages, requests):
            assert most <= limit
    assert len(found) < (limits.connections_per_address or len(found) + 1)


def test_topics_fit_into_the_characters_of_a_connection() -> None:
    limited = [feed for feed in ALL_FEEDS if feed.limits.characters_per_connection is not None]
    assert {feed.exchange for feed in limited} == {"bybit"}
    longest = tuple(f"{number:027}" for number in range(1_000))
    for feed in limited:
        for group in plan_connections(feed, longest).groups:
            characters = sum(len(f"allLiquidation.{name}") for name in group)
            assert characters <= (feed.limits.characters_per_connection or 0)


@pytest.mark.parametrize("service", sorted({feed.service for feed in ALL_FEEDS}))
def test_the_feeds_of_a_service_fit_an_address_together(service: str) -> None:
    """Even while one connection is being replaced, and with 1,000 markets a feed."""
    feeds = [feed for feed in ALL_FEEDS if feed.service == service]
    assert len({(feed.limits.scope, feed.limits.messages_per_minute) for feed in feeds}) == 1
    plans = {feed.label: plan_connections(feed, feed.names or MARKETS) for feed in feeds}
    connections = sum(len(plan.groups) for plan in plans.values()) + 1
    names = sum(len(group) for plan in plans.values() for group in plan.groups)
    replaced = max(len(group) for plan in plans.values() for group in plan.groups)
    limits = feeds[0].limits
    assert connections <= (limits.connections_per_address or connections)
    assert names + replaced <= (limits.subscriptions_per_address or names + replaced)


def test_names_beyond_the_limits_are_left_out_and_known() -> None:
    [trades] = [feed for feed in FEEDS["hyperliquid"] if feed.name == "trades"]
    plan = plan_connections(trades, MARKETS)
    assert sum(map(len, plan.groups)) == 320
    assert plan.left_out == MARKETS[320:]
    assert plan_connections(trades, MARKETS[:3], open_now=5).left_out == MARKETS[:3]
    assert allowed_connections(FEEDS["kraken"][0]) is None


def test_the_venues_figures_are_the_documented_ones() -> None:
    limits = {feed.label: feed.limits for feed in ALL_FEEDS}
    assert limits["pacifica.trades"].subscriptions_per_channel == 20
    assert limits["lighter.trade"].messages_per_minute == 200
    assert limits["lighter.trade"].unanswered_requests == 50
    assert limits["dydx.trades"].subscriptions_per_channel == 32
    assert limits["dydx.trades"].requests_per_second == 2
    assert limits["hyperliquid.userFills"].connections_per_address == 10
    assert {feed.names_a_connection for feed in FEEDS["pacifica"]} == {20}
    # Ten users an address: the vaults, and the sensors that the producer selects.
    users = FEEDS["hyperliquid"][0]
    assert len(users.names) + users.spare_names == users.names_a_connection == 10
    assert users.most_connections == 1


def test_coin_m_connects_under_market_and_has_the_older_path_as_its_alternative() -> None:
    coinm = FEEDS["binance"][1]
    assert coinm.address == "wss://dstream.binance.com/market/ws"
    assert coinm.alternatives == ("wss://dstream.binance.com/ws",)
