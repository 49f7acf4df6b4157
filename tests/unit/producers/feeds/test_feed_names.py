"""Producers and normalizers are developed apart; the feed's name is what they meet at."""

import pytest

from liq.processors.normalizers import known_exchanges, known_feeds
from liq.producers.feeds.registry import FEEDS
from liq.producers.history.registry import HISTORIES, POLLED


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
