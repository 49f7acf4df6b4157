"""The first thing that a worker does."""

import asyncio

from liq.runtime.beating import beating
from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics


def make_sure_of_topics(settings: Settings, exchanges: tuple[str, ...], health: Health) -> None:
    """Create or compare the topics, before anything subscribes to them.

    Many brokers answer a subscription to a topic that is not there by creating it with one
    partition and a retention of their own.
    """
    health.require("topics", "comparing them with what they should be")
    asyncio.run(_compare(settings, exchanges, health))
    health.set("topics", holds=True, reason="as they should be")


async def _compare(settings: Settings, exchanges: tuple[str, ...], health: Health) -> None:
    async with beating(health):
        await ensure_topics(settings, exchanges)
