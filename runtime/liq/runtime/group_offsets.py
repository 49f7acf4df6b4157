"""What a consumer group has committed, asked of the brokers."""

import asyncio
import time

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

COORDINATOR_SECONDS = 30.0
POLL_SECONDS = 0.1
# What brokers say while the groups' own topic is made, or moves to another broker.
BETWEEN_COORDINATORS = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


async def committed_offsets(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """The next offset of every partition that the group has committed.

    Raises:
        KafkaError: the brokers do not answer, or nobody looks after the group for half a minute.
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
            return {place: entry.offset for place, entry in found.items() if entry.offset >= 0}
