"""A sink follows the logs of its topics: one that was replaced is read from its beginning."""

from typing import cast

import pytest

from liq.runtime.log_gaps import LogGaps
from liq.runtime.log_notes import note_with_log, split_note
from liq.sinks import log_watch
from liq.sinks.log_watch import LogWatch
from tests.support.watched_consumer import NEW, OLD, OTHER, PLACES, TOPIC, KeptGaps, WatchedConsumer


def watch_of(consumer: WatchedConsumer) -> tuple[LogWatch, KeptGaps]:
    gaps = KeptGaps()
    return LogWatch(consumer, cast("LogGaps", gaps)), gaps


@pytest.fixture(autouse=True)
def _asks_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watch, "CHECK_SECONDS", 0)


async def test_the_same_logs_are_read_on_and_named_in_what_is_committed() -> None:
    consumer = WatchedConsumer(dict.fromkeys(PLACES, note_with_log("", str(OLD))))
    watch, gaps = watch_of(consumer)
    assert await watch.begin(PLACES) == []
    await watch.check()
    assert (consumer.sought, gaps.told, consumer.updates) == ({}, [], 0)
    noted = watch.to_commit(9, TOPIC)
    assert (noted.offset, split_note(noted.metadata)) == (9, ("", str(OLD)))


async def test_offsets_of_another_log_are_left_for_the_beginning() -> None:
    consumer = WatchedConsumer(
        {PLACES[0]: note_with_log("", str(OLD)), PLACES[1]: note_with_log("", str(NEW))}
    )
    consumer.ids[TOPIC] = NEW
    watch, gaps = watch_of(consumer)
    assert await watch.begin(PLACES) == [PLACES[0]]
    assert consumer.sought == {PLACES[0]: 0}
    assert gaps.told == [(TOPIC, [0])]


async def test_a_log_that_is_replaced_while_it_is_read_begins_anew_and_is_reported() -> None:
    consumer = WatchedConsumer({})
    watch, gaps = watch_of(consumer)
    await watch.begin(PLACES)
    consumer.ids[TOPIC] = NEW
    await watch.check()
    await watch.check()
    assert consumer.sought == dict.fromkeys(PLACES[:2], 0)
    assert gaps.told == [(TOPIC, [0, 1])]
    assert watch.name(TOPIC) == str(NEW)


async def test_a_log_whose_replacement_the_group_noticed_first_is_reported_too() -> None:
    """Kafka has deleted the offsets with the topic, so that nothing committed tells."""
    consumer = WatchedConsumer({})
    watch, gaps = watch_of(consumer)
    await watch.begin(PLACES)
    consumer.assigned, consumer.known = {PLACES[2]}, {OTHER}
    consumer.ids[TOPIC] = NEW
    await watch.check()
    assert consumer.updates == 1
    assert await watch.begin(PLACES) == PLACES[:2]
    assert gaps.told == [(TOPIC, [0, 1])]


async def test_a_topic_that_is_back_is_made_known_to_the_client() -> None:
    consumer = WatchedConsumer({})
    watch, _ = watch_of(consumer)
    await watch.begin(PLACES)
    del consumer.ids[TOPIC]
    consumer.known = {OTHER}
    await watch.check()
    assert consumer.updates == 0
    consumer.ids[TOPIC] = OLD
    await watch.check()
    await watch.check()
    assert consumer.updates == 1
