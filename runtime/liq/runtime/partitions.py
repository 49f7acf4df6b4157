"""The partitions of topics and the committed offsets of groups, requested from the brokers.

On Apache Kafka, a consumer without a subscription has no metadata of topics: its
`partitions_for_topic` returns None for topics that exist.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

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
# Errors while brokers create the topic of committed offsets, or move it to another broker.
_BETWEEN_COORDINATORS: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


Answer = TypeVar("Answer")


async def from_coordinator(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer of a group's coordinator; retry while the brokers have none.

    Raises:
        KafkaError: the brokers do not answer, or no broker coordinates the group for half a minute.
    """
    deadline = time.monotonic() + COORDINATOR_SECONDS
    while True:
        try:
            return await ask()
        except _BETWEEN_COORDINATORS:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(POLL_SECONDS)


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
    """Return the same as `find_partitions`, with a started client.

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
    """Return the committed offset of every partition for which the group has one.

    Raises:
        KafkaError: the brokers do not answer, or no broker coordinates the group for half a minute.
    """
    return {place: offset for place, (offset, _) in (await committed_places(admin, group)).items()}


async def committed_places(
    admin: AIOKafkaAdminClient, group: str
) -> dict[TopicPartition, tuple[int, str]]:
    """Return the same as `committed_offsets`, each with the metadata committed with it.

    Raises:
        KafkaError: the brokers do not answer, or no broker coordinates the group for half a minute.
    """
    found = await from_coordinator(lambda: admin.list_consumer_group_offsets(group))
    return {
        # Kafka accepts a commit without metadata.
        place: (entry.offset, entry.metadata or "")
        for place, entry in found.items()
        if entry.offset >= 0
    }
