"""The consumer loop with a destination in memory, on a real broker."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.runtime import stall
from liq.runtime.errors import ConfigurationError
from liq.runtime.health import Condition, Health
from liq.runtime.kafka import new_admin, new_consumer
from liq.runtime.metrics import SINK_BUFFERED
from liq.runtime.partitions import committed_offsets
from liq.runtime.settings import Settings
from liq.runtime.topics import add_partitions, ensure_topics
from liq.schemas.vocabulary import FeedEvent
from liq.sinks import loop, worker
from liq.sinks.destination import FailureKind, Start
from liq.sinks.worker import run
from tests.support.feed_log import FeedLog
from tests.support.memory_destination import (
    NAME,
    STAGE,
    KeepingDestination,
    MemoryDestination,
    OrderedError,
)
from tests.support.running_sink import running_sink
from tests.support.sink_flow import send
from tests.support.topic_operations import delete_topics, has_topic_ids

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

DEADLINE_SECONDS = 90.0
HOLDS = Condition(holds=True, reason="")


@pytest.fixture
async def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    await ensure_topics(made, ())
    return made


@pytest.fixture
def destination(settings: Settings) -> MemoryDestination:
    return MemoryDestination([settings.topics.events])


def values(count: int, first: int = 0) -> list[bytes]:
    return [b"record %d" % number for number in range(first, first + count)]


async def publish(settings: Settings, sent: Sequence[bytes]) -> None:
    await send(settings, {settings.topics.events: sent})


async def committed(settings: Settings) -> dict[TopicPartition, int]:
    admin = new_admin(settings, "test")
    await admin.start()
    try:
        return await committed_offsets(admin, settings.group(STAGE))
    finally:
        await admin.close()


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.02)


async def all_committed(settings: Settings, count: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while sum((await committed(settings)).values()) != count:  # noqa: ASYNC110 - the broker has it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", [FailureKind.RETRY, FailureKind.SETUP])
async def test_a_failing_destination_loses_nothing_and_nothing_is_committed_before(
    settings: Settings, destination: MemoryDestination, kind: FailureKind
) -> None:
    await publish(settings, values(40))
    async with running_sink(settings, destination) as health:
        await all_committed(settings, 40)
        destination.failure = OrderedError(kind)
        await publish(settings, values(40, first=40))
        await eventually(lambda: not health.conditions[NAME].holds)
        assert health.conditions[NAME].reason == f"the test ordered {kind}"
        assert not health.ready
        retried = destination.flush_count + 2
        await eventually(lambda: destination.flush_count >= retried)
        assert sum((await committed(settings)).values()) == 40
        destination.failure = None
        await all_committed(settings, 80)
        assert health.ready
    assert set(destination.stored.values()) == set(values(80))
    assert destination.close_count == 1


async def test_a_destination_that_never_answers_makes_the_worker_unready_and_restarts_nothing(
    settings: Settings, destination: MemoryDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stall, "STALLED_SECONDS", 1.0)
    destination.is_open.clear()
    await publish(settings, values(40))
    async with running_sink(settings, destination) as health:
        sentence = "40 records of the topics of memory wait, and none was handled for"
        await eventually(lambda: sentence in health.conditions.get(stall.CONDITION, HOLDS).reason)
        assert not health.ready
        last_beat = health.last_beat
        await eventually(lambda: health.last_beat > last_beat)
        assert health.alive
        destination.is_open.set()
        await eventually(lambda: health.ready)


async def test_a_destination_that_is_not_up_yet_is_opened_again(
    settings: Settings, destination: MemoryDestination
) -> None:
    await publish(settings, values(5))
    destination.failure = OrderedError(FailureKind.RETRY)
    async with running_sink(settings, destination) as health:
        await eventually(lambda: "ordered" in health.conditions[NAME].reason)
        assert destination.assignments == []
        destination.failure = None
        await all_committed(settings, 5)
        assert health.ready


async def test_bad_records_are_refused_alone_and_their_neighbours_stored(
    settings: Settings, destination: MemoryDestination
) -> None:
    sent = values(60)
    destination.bad = (sent[0], sent[17], sent[18], sent[59])
    await publish(settings, sent)
    async with running_sink(settings, destination) as health:
        await all_committed(settings, 60)
        assert health.ready
    assert set(destination.stored.values()) == set(sent) - set(destination.bad)
    assert len(destination.refused) == len(destination.bad)
    assert {refusal.record.value for refusal in destination.refused} == set(destination.bad)
    assert {(refusal.reason, refusal.detail) for refusal in destination.refused} == {
        ("refused_by_memory", "the test ordered row")
    }


async def test_too_many_bad_records_stop_the_sink_and_move_no_offset(settings: Settings) -> None:
    sent = values(300)
    destination = MemoryDestination([settings.topics.events], rows=300, seconds=1)
    destination.bad = set(sent)
    await publish(settings, sent)
    with pytest.raises(ConfigurationError, match="wrong deployment"):
        async with asyncio.timeout(DEADLINE_SECONDS):
            await run(settings, Health(), asyncio.Event(), destination)
    assert await committed(settings) == {}
    assert (destination.refused, destination.close_count) == ([], 1)


async def test_an_error_that_the_destination_does_not_know_ends_the_sink(
    settings: Settings, destination: MemoryDestination
) -> None:
    await publish(settings, values(5))
    health = Health()
    task = asyncio.create_task(run(settings, health, asyncio.Event(), destination))
    await all_committed(settings, 5)
    destination.failure = LookupError("a bug")
    await publish(settings, values(5, first=5))
    with pytest.raises(LookupError, match="a bug"):
        async with asyncio.timeout(DEADLINE_SECONDS):
            await task
    assert sum((await committed(settings)).values()) == 5
    assert destination.close_count == 1


async def test_a_stop_stores_and_commits_what_is_buffered(settings: Settings) -> None:
    destination = MemoryDestination([settings.topics.events], rows=1_000, seconds=60)
    await publish(settings, values(40))
    async with running_sink(settings, destination):
        await eventually(lambda: SINK_BUFFERED._value.get() == 40)
        assert destination.stored == {}
    assert len(destination.stored) == 40
    assert sum((await committed(settings)).values()) == 40


async def test_a_stop_does_not_wait_for_a_destination_that_hangs(
    settings: Settings, destination: MemoryDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "FLUSH_SECONDS", 0.1)
    await publish(settings, values(40))
    destination.is_open.clear()
    async with running_sink(settings, destination):
        await eventually(lambda: destination.flush_count > 0)
    assert (destination.stored, await committed(settings)) == ({}, {})
    destination.is_open.set()
    async with running_sink(settings, destination):
        await all_committed(settings, 40)
    assert len(destination.stored) == 40


async def test_a_slow_destination_pauses_the_consumer_and_keeps_its_place_in_the_group(
    settings: Settings, destination: MemoryDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumers: list[AIOKafkaConsumer] = []
    polls_while_paused = 0
    longest_without_poll_seconds = 1.0

    def impatient_consumer(*arguments: Any, **options: Any) -> AIOKafkaConsumer:
        milliseconds = int(1000 * longest_without_poll_seconds)
        consumer = new_consumer(*arguments, max_poll_interval_ms=milliseconds, **options)
        getmany = consumer.getmany

        async def counted(**limits: Any) -> Any:
            nonlocal polls_while_paused
            polls_while_paused += consumer.paused() == consumer.assignment() != set()
            return await getmany(**limits)

        consumer.getmany = counted
        consumers.append(consumer)
        return consumer

    monkeypatch.setattr(loop, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(worker, "new_consumer", impatient_consumer)
    polls_that_take_too_long = 2 * longest_without_poll_seconds / loop.POLL_SECONDS
    await publish(settings, values(100))
    destination.is_open.clear()
    async with running_sink(settings, destination) as health:
        await eventually(lambda: polls_while_paused > polls_that_take_too_long)
        assert SINK_BUFFERED._value.get() == 20
        destination.is_open.set()
        await all_committed(settings, 100)
        assert consumers[0].paused() == set()
        assert health.ready
    assert len(destination.assignments) == 1
    assert len(destination.stored) == 100


async def test_a_rebalance_during_a_flush_loses_nothing(
    make_settings: Callable[..., Settings], settings: Settings, destination: MemoryDestination
) -> None:
    """What moves to the other worker while it is stored here is stored there too."""
    other_settings = make_settings(worker_slot="other")
    other = MemoryDestination([settings.topics.events])
    destination.is_open.clear()
    async with running_sink(settings, destination):
        await publish(settings, values(40))
        await eventually(lambda: destination.flush_count > 0)
        async with running_sink(other_settings, other):
            await eventually(lambda: other.assignments and other.assignments[-1])
            moved = other.assignments[-1]
            assert moved
            await eventually(lambda: len(destination.assignments) > 1)
            assert not set(moved) & set(destination.assignments[-1])
            destination.is_open.set()
            await all_committed(settings, 40)
    assert len(destination.stored | other.stored) == 40
    assert {(topic, partition) for topic, partition, _ in other.stored} == set(moved)


async def test_a_new_group_may_begin_with_the_present_and_then_misses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the brokers take to say where that is."""
    polls_before_the_answer = 5
    polls = 0

    def counting_consumer(*arguments: Any, **options: Any) -> AIOKafkaConsumer:
        consumer = new_consumer(*arguments, **options)
        getmany, end_offsets = consumer.getmany, consumer.end_offsets

        async def counted(**limits: Any) -> Any:
            nonlocal polls
            polls += 1
            return await getmany(**limits)

        async def late(partitions: Any) -> Any:
            wanted = polls + polls_before_the_answer
            await eventually(lambda: polls >= wanted)
            return await end_offsets(partitions)

        consumer.getmany, consumer.end_offsets = counted, late
        return consumer

    monkeypatch.setattr(worker, "new_consumer", counting_consumer)
    make = partial(MemoryDestination, [settings.topics.events], start=Start.NEWEST)
    await publish(settings, values(40))
    first = make()
    async with running_sink(settings, first):
        await all_committed(settings, 40)
    assert first.stored == {}
    # The first worker got no record at all, and yet what comes while it is away is not lost.
    await publish(settings, values(8, first=40))
    second = make()
    async with running_sink(settings, second):
        await all_committed(settings, 48)
        await publish(settings, values(4, first=48))
        await all_committed(settings, 52)
    assert set(second.stored.values()) == set(values(12, first=40))


async def test_partitions_that_are_added_are_read_soon(
    settings: Settings, destination: MemoryDestination
) -> None:
    """`liq topics grow` adds them; aiokafka would hear of them five minutes later."""
    async with running_sink(settings, destination):
        await publish(settings, values(8))
        await all_committed(settings, 8)
        await add_partitions(settings, [settings.topics.events], 2 * settings.topic_partitions)
        await publish(settings, values(16, first=8))
        await all_committed(settings, 24)
    assert set(destination.stored.values()) == set(values(24))


async def test_a_log_that_is_replaced_while_the_destination_is_away_is_read_from_its_beginning(
    settings: Settings, destination: MemoryDestination
) -> None:
    """The new log has the offsets of the old one by then, and Kafka would go on in its middle."""
    if not await has_topic_ids(settings):
        pytest.skip("the embedded broker has no topic ids; run with KAFKA=apache")
    topic = settings.topics.events
    async with running_sink(settings, destination):
        await publish(settings, values(40))
        await all_committed(settings, 40)
        destination.failure = OrderedError(FailureKind.RETRY)
        flushes = destination.flush_count
        await publish(settings, values(4, first=40))
        await eventually(lambda: destination.flush_count > flushes)
        await delete_topics(settings, topic)
        await ensure_topics(settings, ())
        await publish(settings, values(200, first=1000))
        destination.failure = None
        await eventually(lambda: set(values(200, first=1000)) <= set(destination.stored.values()))
        await all_committed(settings, 200)
    [gap] = await asyncio.to_thread(FeedLog(settings).all_of, FeedEvent.GAP)
    assert gap.feed == topic
    # The next worker goes on where this one was.
    heir = MemoryDestination([topic])
    async with running_sink(settings, heir):
        await publish(settings, values(4, first=2000))
        await all_committed(settings, 204)
    assert set(heir.stored.values()) == set(values(4, first=2000))


async def test_a_destination_that_keeps_its_positions_gets_again_what_it_lost(
    settings: Settings,
) -> None:
    """Whatever Kafka's group has committed, and however late it says where to read."""
    await publish(settings, values(40))
    kept = KeepingDestination([settings.topics.events])
    async with running_sink(settings, kept) as health:
        await all_committed(settings, 40)
        kept.lose_everything()
        kept.failure = OrderedError(FailureKind.RETRY)
        await publish(settings, values(10, first=40))
        await eventually(lambda: not health.conditions[NAME].holds)
        assert kept.stored == {}
        kept.failure = None
        await eventually(lambda: len(kept.stored) == 50)
        await all_committed(settings, 50)
        assert health.ready
    empty = KeepingDestination([settings.topics.events])
    async with running_sink(settings, empty):
        await eventually(lambda: len(empty.stored) == 50)
    # A restart reads nothing twice, though the group has committed less.
    assert set(kept.stored.values()) == set(empty.stored.values()) == set(values(50))
    before = kept.flush_count
    async with running_sink(settings, kept):
        await eventually(lambda: len(kept.resumed) == 3)
        await publish(settings, values(4, first=50))
        await eventually(lambda: len(kept.stored) == 54)
    assert kept.flush_count <= before + 4
