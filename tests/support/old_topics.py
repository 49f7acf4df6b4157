"""Deletion of the topics that tests leave in Kafka."""

from collections.abc import Collection

from liq.runtime.kafka import new_admin
from liq.runtime.settings import Settings


async def delete_namespaces(settings: Settings, namespaces: Collection[str]) -> None:
    """Delete the topics of namespaces."""
    admin = new_admin(settings, "old-topics")
    try:
        await admin.start()
        names = await admin.list_topics()
        old = [name for name in names if name.partition(".")[0] in namespaces]
        if old:
            await admin.delete_topics(old)
    finally:
        await admin.close()
