"""Producers and normalizers are developed apart; the feed's name is what they meet at."""

import pytest

from liq.processors.normalizers import known_exchanges, known_feeds
from liq.producers.feeds.node import NODE_FEED
from liq.producers.feeds.registry import ALL_FEEDS, FEEDS
from liq.producers.history.gaps import GapBook
from liq.producers.history.registry import HISTORIES, NO_HISTORY, POLLED
from liq.producers.history.spec import HISTORY_ENDING
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

COMPLETIONS = {
    (spec.exchange, spec.poll.feed)
    for spec in HISTORIES
    if spec.poll is not None and not spec.poll.is_live
}
#: Trades of `tape` that the producer has joined; a gap of them is one of `tape`.
JOINED = {("hyperliquid", "joinedTrades")}
#: Every feed of a connection, a node's files or a poll: each can write a gap record.
WITH_GAPS = sorted(
    {
        *((feed.exchange, feed.name) for feed in ALL_FEEDS),
        (NODE_FEED.exchange, NODE_FEED.name),
        *POLLED,
    }
)


@pytest.mark.parametrize("exchange", sorted(FEEDS))
def test_every_feed_that_is_produced_is_understood(exchange: str) -> None:
    assert {feed.name for feed in FEEDS[exchange]} <= set(known_feeds(exchange))


def test_every_exchange_that_is_understood_is_produced() -> None:
    polled = {exchange for exchange, _ in POLLED} - set(FEEDS)
    assert set(known_exchanges()) == set(FEEDS) | polled
    assert not set(FEEDS) & polled


def test_every_history_and_every_polled_feed_is_understood() -> None:
    named = {(spec.exchange, spec.name) for spec in HISTORIES} | set(POLLED)
    named |= {(spec.exchange, spec.poll.feed) for spec in HISTORIES if spec.poll is not None}
    assert named <= {(one, feed) for one in known_exchanges() for feed in known_feeds(one)}


def test_every_feed_that_is_understood_can_have_gaps_or_is_none_of_its_own() -> None:
    """A new kind of feed fails here until the gaps that it can have also end."""
    understood = {
        (exchange, feed)
        for exchange in known_exchanges()
        for feed in known_feeds(exchange)
        if not feed.endswith(HISTORY_ENDING)
    }
    assert set(WITH_GAPS) == understood - COMPLETIONS - JOINED


@pytest.mark.parametrize("label", WITH_GAPS, ids=".".join)
def test_a_gap_of_every_feed_is_repaired_or_ends_with_a_reason(label: tuple[str, str]) -> None:
    repaired = {(spec.exchange, spec.feed) for spec in HISTORIES}
    book = GapBook([*repaired, *NO_HISTORY])
    exchange, feed = label
    gap = FeedStatus(
        exchange=exchange, feed=feed, connection="a", event=FeedEvent.GAP,
        timestamp_ms=3_000, from_ms=1_000, to_ms=2_000,
    )  # fmt: skip
    book.take(0, 0, gap)
    assert book.due(exchange, feed, 3_000) is not None
    assert (label in repaired) is not bool(NO_HISTORY.get(label))
