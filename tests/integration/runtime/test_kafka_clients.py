"""Kafka clients as every worker makes them."""

import pytest

from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.settings import Settings
from tests.support.pipeline_log import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


async def test_a_consumer_without_a_group_can_be_stopped_at_once(settings: Settings) -> None:
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    await consumer.stop()


def test_a_topic_that_nobody_made_holds_nothing(settings: Settings) -> None:
    assert read_topic(settings, settings.topics.feeds) == {}
