"""Producers and normalizers are developed apart; the feed's name is what they meet at."""

import pytest

from liq.processors.normalizers import known_exchanges, known_feeds
from liq.producers.feeds.registry import FEEDS


@pytest.mark.parametrize("exchange", sorted(FEEDS))
def test_every_feed_that_is_produced_is_understood(exchange: str) -> None:
    assert {feed.name for feed in FEEDS[exchange]} <= set(known_feeds(exchange))


def test_every_exchange_that_is_understood_is_produced() -> None:
    assert set(known_exchanges()) == set(FEEDS)
