"""The client: typed records, each once, also after a restart; liveness; messages."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import NewPartitions

from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.partitions import committed_offsets
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas import CascadeAlert, DecodeError, DetectionStatus
from liq.schemas.client import (
    Horizon,
    Liveness,
    MessageReader,
    Newest,
    Oldest,
    Reader,
    SeenIds,
    Since,
)
from liq.schemas.codec import encode
from tests.support.notify_rules import alert, link, market

pytestmark = pytest.mark.integration

DEADLINE_SECONDS = 90


@pytest.fixture
async def settings(make_settings: Callable[..., Settings], broker: Any) -> Settings:
    assert broker
    made = make_settings()
    await ensure_topics(made, ())
    return made


async def publish(settings: Settings, *records: CascadeAlert | bytes | None) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    for record in records:
        key = record.cascade_id.encode() if isinstance(record, CascadeAlert) else b"c"
        value = encode(record) if isinstance(record, CascadeAlert) else record
        await producer.send_and_wait(settings.topics.cascades, value, key=key)
    await producer.stop()


def reader(settings: Settings, **options: Any) -> Reader[CascadeAlert]:
    return Reader(
        CascadeAlert,
        settings.topics.cascades,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        **options,
    )


async def first(made: Reader[CascadeAlert], count: int) -> list[str]:
    """The ids of the next records."""
    ids: list[str] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for received in made:
            ids.append(received.record.alert_id)
            if len(ids) == count:
                made.handle(received)
                break
    return ids


async def test_each_record_comes_once_typed_and_nonsense_stops_nothing(settings: Settings) -> None:
    bad: list[tuple[bytes, DecodeError]] = []
    await publish(settings, alert("a"), alert("a"), None, b"{", alert("b"), alert("a"), alert("c"))
    options = {"start": Oldest(), "on_bad": lambda value, error: bad.append((value, error))}
    async with reader(settings, **options) as made:
        assert await first(made, 3) == ["a", "b", "c"]
        assert (made.repeated_count, made.bad_count) == (2, 1)
    assert [value for value, _ in bad] == [b"{"]


async def test_a_restart_goes_on_and_knows_what_came_before(settings: Settings) -> None:
    await publish(settings, alert("a"), alert("b"))
    async with reader(settings, group="service", start=Oldest()) as made:
        assert await first(made, 2) == ["a", "b"]
    # The engine repeats an alert while the service is away.
    await publish(settings, alert("b"), alert("a"), alert("c"))
    async with reader(settings, group="service", start=Oldest()) as made:
        assert await first(made, 1) == ["c"]
        assert made.repeated_count == 2


async def test_a_new_group_gets_nothing_of_the_past_while_the_brokers_look_for_the_present(
    settings: Settings,
) -> None:
    await publish(settings, *(alert(str(number)) for number in range(20)))
    made = reader(settings, group="service", start=Newest())
    end_offsets, polls = made._consumer.end_offsets, 0
    is_known = asyncio.Event()

    async def late(places: Any) -> Any:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while polls < 5:  # noqa: ASYNC110 - the loop below counts
                await asyncio.sleep(0.01)
        found = await end_offsets(places)
        is_known.set()
        return found

    made._consumer.end_offsets = late
    async with made, asyncio.timeout(DEADLINE_SECONDS):
        while not is_known.is_set():
            assert await made.poll(0.2) == []
            polls += 1
        await publish(settings, alert("new"))
        assert await first(made, 1) == ["new"]


async def test_what_was_not_handled_comes_again(settings: Settings) -> None:
    await publish(settings, alert("a"), alert("b"))
    async with reader(settings, group="service", start=Oldest()) as made:
        async for received in made:
            if received.record.alert_id == "b":
                break  # as by an exception: nobody says that it is handled
    async with reader(settings, group="service") as made:
        assert await first(made, 1) == ["b"]


async def test_a_reader_starts_where_it_is_told(settings: Settings) -> None:
    await publish(settings, alert("a"))
    await asyncio.sleep(0.01)
    since_ms = int(time.time() * 1000)
    await publish(settings, alert("b"))
    async with reader(settings, start=Since(since_ms)) as made:
        assert await first(made, 1) == ["b"]
    async with reader(settings, start=Newest()) as made:
        await publish(settings, alert("c"))
        assert await first(made, 1) == ["c"]


async def test_a_topic_that_is_not_there_is_named(settings: Settings) -> None:
    made = Reader(CascadeAlert, "no-such-topic", bootstrap_servers=settings.kafka_bootstrap_servers)
    with pytest.raises(LookupError, match="no-such-topic"):
        await made.__aenter__()
    await made._consumer.stop()


async def publish_to_added(settings: Settings, name: str) -> None:
    """Add a partition to the alerts' topic, and publish into it alone."""
    admin = new_admin(settings, "test")
    await admin.start()
    await admin.create_partitions(
        {settings.topics.cascades: NewPartitions(settings.topic_partitions + 1)}
    )
    await admin.close()
    producer = new_producer(settings, "test")
    await producer.start()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while settings.topic_partitions not in await producer.partitions_for(
            settings.topics.cascades
        ):
            await producer.client.force_metadata_update()
    await producer.send_and_wait(
        settings.topics.cascades, encode(alert(name)), partition=settings.topic_partitions
    )
    await producer.stop()


@pytest.mark.parametrize("group", ["service", None])
async def test_a_partition_that_is_added_is_read_from_its_beginning(
    settings: Settings, group: str | None
) -> None:
    await publish(settings, alert("old"))
    options = {"group": group, "start": Newest(), "metadata_max_age_ms": 200}
    async with reader(settings, **options) as made:
        await publish(settings, alert("a"))
        assert await first(made, 1) == ["a"]
        await publish_to_added(settings, "added")
        assert await first(made, 1) == ["added"]
        await publish(settings, alert("b"))
        assert await first(made, 1) == ["b"]


async def test_a_group_reads_what_came_into_an_added_partition_while_it_was_away(
    settings: Settings,
) -> None:
    await publish(settings, alert("old"))
    async with reader(settings, group="service", start=Newest()) as made:
        assert await made.poll(0.2) == []
    await publish_to_added(settings, "added")
    async with reader(settings, group="service", start=Newest()) as made:
        assert await first(made, 1) == ["added"]


async def test_a_group_is_where_its_log_ends_though_the_last_records_are_none(
    settings: Settings,
) -> None:
    await publish(settings, alert("a"))
    async with reader(settings, group="service", start=Oldest()) as made:
        assert await first(made, 1) == ["a"]
        await publish(settings, None, b"{", alert("a"))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while made.repeated_count < 1:
                assert await made.poll(0.2) == []
        places = made._consumer.assignment()
        ends = await made._consumer.end_offsets(places)
    admin = new_admin(settings, "test")
    await admin.start()
    committed = await committed_offsets(admin, "service")
    assert {place: committed.get(place) for place in places} == ends
    await admin.close()


async def test_messages_fold_children_and_survive_a_restart(settings: Settings) -> None:
    def messages() -> MessageReader:
        return MessageReader(
            settings.topics.cascades,
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group="people",
            start=Oldest(),
        )

    found: dict[str, list[str]] = {}

    async def read(made: MessageReader, last: set[str]) -> None:
        async for message in made:
            found[message.alert.alert_id] = [part.alert_id for part in message.folded]
            if last <= found.keys():
                break

    async with asyncio.timeout(DEADLINE_SECONDS), messages() as made:
        reading = asyncio.create_task(read(made, {"m", "x"}))
        await publish(settings, alert("child", "child"), link("child"))
        await until(lambda: "child" in made._waiting)
        await publish(settings, market("m"), alert("x", "x"))
        await reading
    assert found == {"m": ["child"], "x": []}
    found.clear()
    # The last message was not handled, so it comes again; the others do not.
    await publish(settings, market("n", "market-2"))
    async with asyncio.timeout(DEADLINE_SECONDS), messages() as made:
        await read(made, {"x", "n"})
    assert set(found) <= {"m", "x", "n"}


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the client sets no event of ours
        await asyncio.sleep(0.02)


async def test_the_horizon_tells_a_quiet_market_from_a_dead_detector(settings: Settings) -> None:
    status = DetectionStatus(
        detector="d", worker="w", timestamp_ms=1, partition_count=1, assigned_count=1,
        behind_ms=1_000, assets_decided_until_ms=20, market_decided_until_ms=10,
    )  # fmt: skip
    offset = 0.0
    topic = settings.topics.status
    async with Horizon(
        topic,
        clock=lambda: time.monotonic() + offset,
        bootstrap_servers=settings.kafka_bootstrap_servers,
    ) as horizon:
        assert (horizon.liveness, horizon.decided_until_ms) == (Liveness.DEAD, None)
        producer = new_producer(settings, "test")
        await producer.start()
        await producer.send_and_wait(topic, encode(status), key=b"w")
        await producer.stop()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await until(lambda: horizon.liveness is Liveness.ALIVE)
        assert horizon.decided_until_ms == 10
        now_ms = int(time.time() * 1000)
        for changes, liveness in (
            ({"behind_ms": None}, Liveness.BLIND),
            ({"behind_ms": 60_000}, Liveness.BLIND),
            ({"behind_ms": 60_000, "behind_records": 5}, Liveness.LATE),
            ({"behind_ms": 60_000, "waiting_partitions": (1,)}, Liveness.LATE),
        ):
            horizon.note(replace(status, **changes), now_ms)
            assert horizon.liveness is liveness
        offset = 60.0
        assert horizon.liveness is Liveness.DEAD


def test_ids_are_remembered_within_a_bound() -> None:
    seen = SeenIds(2)
    assert [seen.is_new(name) for name in ("a", "b", "a", "c", "a", "b")] == [
        True, True, False, True, False, True,
    ]  # fmt: skip
    assert len(seen) == 2
