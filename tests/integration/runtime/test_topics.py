"""Topics are created as the contract says, and altered only when somebody asks for it."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import MAX_REQUEST_BYTES
from liq.runtime.settings import Settings
from liq.runtime.topics import ConfigChange, alter_topics, describe_topics, ensure_topics
from liq.schemas.topics import Cleanup
from liq.schemas.units import DAY_MS
from tests.support.operator_of_kafka import create_topic

if TYPE_CHECKING:
    from tests.conftest import MakeSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

EXCHANGES = ("binance", "bybit")


async def test_missing_topics_are_created_as_specified(settings: Settings) -> None:
    states = {state.spec.name: state for state in await ensure_topics(settings, EXCHANGES)}
    topics = settings.topics
    assert set(states) == {spec.name for spec in topics.specs(EXCHANGES)}
    assert all(state.differences == () for state in states.values())
    assert states[topics.raw("bybit")].partitions == settings.topic_partitions
    assert states[topics.raw("bybit")].configs["retention.ms"] == str(14 * DAY_MS)
    assert states[topics.instruments].partitions == 1
    assert states[topics.instruments].configs["cleanup.policy"] == Cleanup.COMPACT
    assert states[topics.rejected].configs["max.message.bytes"] == str(MAX_REQUEST_BYTES)


async def test_describing_creates_nothing(settings: Settings) -> None:
    for _ in range(2):
        states = await describe_topics(settings, EXCHANGES)
        assert [state.exists for state in states] == [False] * len(states)
        assert states[0].cells()[:2] == (settings.topics.raw("binance"), "missing")


async def test_several_processes_may_create_at_once(settings: Settings) -> None:
    results = await asyncio.gather(*(ensure_topics(settings, EXCHANGES) for _ in range(4)))
    assert all(state.exists for states in results for state in states)


async def test_a_new_exchange_is_added_to_what_is_there(settings: Settings) -> None:
    await ensure_topics(settings, EXCHANGES)
    states = await ensure_topics(settings, (*EXCHANGES, "okx"))
    assert settings.topics.raw("okx") in {state.spec.name for state in states if state.exists}


async def test_another_number_of_partitions_is_an_error(make_settings: "MakeSettings") -> None:
    await ensure_topics(make_settings(topic_partitions=2), EXCHANGES)
    settings = make_settings(topic_partitions=3)
    with pytest.raises(ConfigurationError, match="TOPIC_PARTITIONS") as caught:
        await ensure_topics(settings, EXCHANGES)
    assert f"{settings.topics.events} has 2, wanted 3" in str(caught.value)
    assert settings.topics.instruments not in str(caught.value), "that one has a fixed number"


async def test_another_retention_is_kept_and_said(settings: Settings) -> None:
    name = settings.topics.cascades
    await create_topic(settings, name, {"retention.ms": str(DAY_MS)})
    states = {state.spec.name: state for state in await ensure_topics(settings, EXCHANGES)}
    assert f"retention.ms is {DAY_MS}, wanted {365 * DAY_MS}" in states[name].differences
    assert states[name].cells()[3] == "1 d"


async def test_altering_sets_what_differs_and_keeps_the_operators_other_settings(
    settings: Settings,
) -> None:
    topics = settings.topics
    configs = {"retention.ms": str(DAY_MS), "flush.messages": "7"}
    await create_topic(settings, topics.cascades, configs)
    await create_topic(settings, topics.detector_state, {"cleanup.policy": "delete"})
    await ensure_topics(settings, EXCHANGES)
    changes = await alter_topics(settings, EXCHANGES)
    retention = ConfigChange(
        topics.cascades, "retention.ms", before=str(DAY_MS), after=str(365 * DAY_MS)
    )
    assert retention in changes
    altered = {(change.topic, change.setting) for change in changes}
    assert (topics.detector_state, "cleanup.policy") in altered
    assert {topic for topic, _ in altered} == {topics.cascades, topics.detector_state}
    states = {state.spec.name: state for state in await describe_topics(settings, EXCHANGES)}
    assert all(state.differences == () for state in states.values())
    assert states[topics.cascades].configs["flush.messages"] == "7"
    assert await alter_topics(settings, EXCHANGES) == (), "nothing is left to alter"


async def test_altering_leaves_partitions_and_creates_nothing(
    make_settings: "MakeSettings",
) -> None:
    settings = make_settings(topic_partitions=2)
    await create_topic(settings, settings.topics.cascades, {"retention.ms": str(DAY_MS)})
    settings = make_settings(topic_partitions=3)
    await alter_topics(settings, EXCHANGES)
    states = await describe_topics(settings, EXCHANGES)
    [cascades] = [state for state in states if state.exists]
    assert cascades.differences == cascades.fixed_differences == ("partitions is 2, wanted 3",)


async def test_another_number_of_replicas_is_said(make_settings: "MakeSettings") -> None:
    settings = make_settings()
    await create_topic(settings, settings.topics.events, {})
    states = await describe_topics(make_settings(topic_replication=2), EXCHANGES)
    [events] = [state for state in states if state.exists]
    assert events.fixed_differences == ("replicas is 1, wanted 2",)


async def test_an_absent_broker_is_an_error_with_its_setting(
    make_settings: "MakeSettings",
) -> None:
    settings = make_settings(kafka_bootstrap_servers="127.0.0.1:1")
    for work in (describe_topics, alter_topics):
        with pytest.raises(DependencyError, match="KAFKA_BOOTSTRAP_SERVERS"):
            await work(settings, EXCHANGES)
