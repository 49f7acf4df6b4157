"""Topics as an operator or an earlier version of the engine creates them."""

import asyncio
from collections.abc import Mapping

from aiokafka.admin import NewTopic

from liq.runtime.kafka import new_admin
from liq.runtime.settings import Settings

POLL_SECONDS = 0.05


async def create_topic(settings: Settings, name: str, configs: Mapping[str, str]) -> None:
    """Create a topic with other settings, and wait until the brokers list it."""
    admin = new_admin(settings, "operator")
    await admin.start()
    try:
        new = NewTopic(name, settings.topic_partitions, 1, topic_configs=dict(configs))
        await admin.create_topics([new])
        while True:
            if name in await admin.list_topics():
                break
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await admin.close()
