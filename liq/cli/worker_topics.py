"""The first thing that a worker does."""

import asyncio

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics


def make_sure_of_topics(settings: Settings, exchanges: tuple[str, ...], health: Health) -> None:
    """Create or compare the topics, before anything subscribes to them.

    Many brokers answer a subscription to a topic that is not there by creating it with one
    partition and a retention of their own.
    """
    health.require("topics", "comparing them with what they should be")
    asyncio.run(ensure_topics(settings, exchanges))
    health.set("topics", holds=True, reason="as they should be")
