"""The first step of a worker: the checks of its rights and topics."""

import asyncio

from liq.cli.rights.missing import require_rights
from liq.runtime.beating import beating
from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics


def make_sure_of_topics(
    settings: Settings, worker: str, exchanges: tuple[str, ...], health: Health
) -> None:
    """Check the rights of a kind of worker, then create or compare topics before it subscribes.

    Many brokers create a missing topic at a subscription, with one partition and their default
    retention.
    """
    health.require("topics", "comparing them with what they should be")
    asyncio.run(_compare(settings, worker, exchanges, health))
    health.set("topics", holds=True, reason="as they should be")


async def _compare(
    settings: Settings, worker: str, exchanges: tuple[str, ...], health: Health
) -> None:
    async with beating(health):
        await require_rights(settings, worker, exchanges)
        await ensure_topics(settings, exchanges)
