"""A stage follows the logs of its topics, also while its group does not."""

from typing import cast

import pytest

from liq.processors.workers import log_watch
from liq.processors.workers.log_watch import LogWatch
from liq.runtime.log_gaps import LogGaps
from tests.support.watched_consumer import NEW, OLD, OTHER, PLACES, TOPIC, KeptGaps, WatchedConsumer


@pytest.fixture(autouse=True)
def _asks_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watch, "CHECK_SECONDS", 0)


async def test_a_log_whose_replacement_the_group_noticed_first_is_reported_too() -> None:
    """Kafka has deleted the offsets with the topic, so that nothing committed tells."""
    consumer, gaps = WatchedConsumer({}), KeptGaps()
    watch = LogWatch(cast("LogGaps", gaps))
    await watch.begin(consumer, dict.fromkeys(PLACES))
    consumer.ids[TOPIC] = NEW
    assert await watch.begin(consumer, dict.fromkeys(PLACES)) == dict.fromkeys(PLACES[:2], 0)
    assert gaps.told == [(TOPIC, [0, 1])]


async def test_a_topic_that_is_back_is_made_known_to_the_client() -> None:
    consumer = WatchedConsumer({})
    watch = LogWatch(cast("LogGaps", KeptGaps()))
    await watch.begin(consumer, dict.fromkeys(PLACES))
    del consumer.ids[TOPIC]
    consumer.known = {OTHER}
    await watch.check(consumer)
    assert consumer.updates == 0
    consumer.ids[TOPIC] = OLD
    await watch.check(consumer)
    await watch.check(consumer)
    assert consumer.updates == 1
