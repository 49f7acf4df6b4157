"""The partitions that topics have and the offsets that groups have committed, asked of the brokers.

A consumer that is subscribed to nothing has not heard of any topic on Apache Kafka, so its own
`partitions_for_topic` returns None there for topics that exist.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

from liq.runtime.kafka import new_admin
from liq.runtime.settings import Settings

CLIENT_ID: Final = "partitions"
COORDINATOR_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1
# The answers of brokers while they create the groups' own topic, or move it to another broker.
BETWEEN_COORDINATORS: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


async def find_partitions(settings: Settings, topics: Collection[str]) -> list[TopicPartition]:
    """Return every partition of these topics, in order; a topic that does not exist has none.

    Raises:
        KafkaError: the brokers do not answer.
    """
    admin = new_admin(settings, CLIENT_ID)
    try:
        await admin.start()
        return await list_partitions(admin, topics)
    finally:
        await admin.close()


async def list_partitions(
    admin: AIOKafkaAdminClient, topics: Collection[str]
) -> list[TopicPartition]:
    """Return the same as `find_partitions`, by a client that is started.

    Raises:
        KafkaError: the brokers do not answer.
    """
    # Describe every topic: a broker may create a topic that is requested by name.
    return sorted(
        TopicPartition(described["topic"], partition["partition"])
        for described in await admin.describe_topics()
        if described["topic"] in topics
        for partition in described["partitions"]
    )


async def committed_offsets(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """Return the next offset of every partition that the group has committed.

    Raises:
        KafkaError: the brokers do not answer, or no broker coordinates the group for half a minute.
    """
    return {place: offset for place, (offset, _) in (await committed_places(admin, group)).items()}


async def committed_places(
    admin: AIOKafkaAdminClient, group: str
) -> dict[TopicPartition, tuple[int, str]]:
    """Return the same as `committed_offsets`, each with the note that was committed with it.

    Raises:
        KafkaError: the brokers do not answer, or no broker coordinates the group for half a minute.
    """
    deadline = time.monotonic() + COORDINATOR_SECONDS
    while True:
        try:
            found = await admin.list_consumer_group_offsets(group)
        except BETWEEN_COORDINATORS:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(POLL_SECONDS)
        else:
            return {
                # Kafka lets a client commit without any text.
                place: (entry.offset, entry.metadata or "")
                for place, entry in found.items()
                if entry.offset >= 0
            }
