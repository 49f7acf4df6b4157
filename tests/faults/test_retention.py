"""Retention that overtakes a consumer: said as a gap, never jumped over in silence."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from liq.runtime.kafka import new_admin, new_consumer
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.schemas.vocabulary import FeedEvent
from tests.faults.conftest import Run, now_ms
from tests.faults.pipeline import Role
from tests.faults.record import note
from tests.faults.verdict import Verdict, parsed
from tests.support.feed_log import FeedLog
from tests.support.pipeline_log import read_topic, values

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


async def delete_everything(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    """Delete what a topic holds, as retention would; the first offsets that are left."""
    partitions = await find_partitions(settings, [topic])
    consumer, admin = new_consumer(settings), new_admin(settings, "retention")
    await consumer.start()
    await admin.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        await admin.delete_records(
            {place: RecordsToDelete(before_offset=end) for place, end in ends.items()}
        )
    finally:
        await admin.close()
        await consumer.stop()
    return ends


@pytest.mark.parametrize(
    "role", [pytest.param(Role.NORMALIZE, marks=pytest.mark.short_form), Role.DETECT, Role.SINK]
)
def test_what_retention_took_is_said(run: Run, role: Role) -> None:
    pipeline, settings = run.pipeline, run.pipeline.settings
    topics = settings.topics
    read = [topics.raw("okx"), topics.raw("bitget")] if role is Role.NORMALIZE else [topics.events]
    [member] = [each for each in pipeline.members.values() if each.role is role]
    assert pipeline.stop(member) == {member.name: 0}
    committed = asyncio.run(pipeline.committed(role))
    frames = {topic: read_topic(settings, topic) for topic in read}
    pipeline.pause(3)
    deleted: dict[TopicPartition, int] = {}
    for topic in read:
        frames[topic] = read_topic(settings, topic)
        deleted |= asyncio.run(delete_everything(settings, topic))
    unread = {place: end for place, end in deleted.items() if end > committed.get(place, 0)}
    assert unread
    fault_ms = now_ms()
    pipeline.start(role)
    run.recover(fault_ms)
    run.traffic.stop()
    assert set(pipeline.settle().values()) == {0}
    gaps = [each for each in FeedLog(settings).all_of(FeedEvent.GAP) if each.feed in read]
    said = {
        (place.topic, place.partition): f"offsets {committed[place]} to {end - 1}"
        for place, end in unread.items()
        if place in committed
    }
    silent = [
        place
        for place, words in said.items()
        if not any(gap.feed == place[0] and words in gap.detail for gap in gaps)
    ]
    events = [parsed(value) for value in values(settings, topics.events)]
    note(
        f"retention overtakes {role}",
        Verdict(
            frames=sum(len(each) for log in frames.values() for each in log.values()),
            unsent=0,
            silent=len(silent),
            events=len(events),
            alerts=0,
            lost=0,
            repeated=0,
            changed=0,
            redelivered=0,
        ),
        broker=run.broker,
        recoveries=run.recoveries,
    )
    assert silent == [], gaps
