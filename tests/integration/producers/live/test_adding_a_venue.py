"""The venue of docs/adding-a-venue.md is subscribed to, and its frames arrive byte for byte."""

from importlib import import_module
from pathlib import Path

import pytest

import liq.devstack.exchange.venues
from liq.devstack.exchange.registry import find_dialects
from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.registry import FEEDS
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import StartThread, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.invented_venue import NAME, beside_the_others
from tests.support.live_producer import target

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


def test_the_venue_of_the_page_is_subscribed_refused_and_forwarded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    with beside_the_others(tmp_path):
        [dialect] = [e for e in find_dialects(liq.devstack.exchange.venues) if e.exchange == NAME]
        [feed] = import_module(f"liq.producers.feeds.venues.{NAME}").FEEDS
    monkeypatch.setitem(FEEDS, NAME, (feed,))
    with LocalExchange(dialect) as exchange:
        exchange.refused = frozenset({dialect.subscribes})
        producer = start_thread(target(exchange))
        wait_until(lambda: log.has(FeedEvent.REFUSED, "no such channel"))
        exchange.refused = frozenset()
        wait_until(lambda: exchange.subscribers == 1)
        exchange.send(20)
        wait_until(lambda: len(log.frames(NAME)) == len(exchange.ledger))
        producer.stop()
    assert log.frames(NAME) == exchange.ledger
    assert {record.key for record in log.records(NAME, dialect.feed)} == {dialect.symbol.encode()}
