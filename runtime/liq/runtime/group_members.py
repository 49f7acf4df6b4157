"""The members of a consumer group and their assigned partitions, as the brokers report them."""

from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import for_code

from liq.runtime.kafka import new_admin
from liq.runtime.partitions import from_coordinator
from liq.runtime.settings import Settings

CLIENT_ID: Final = "group-members"
STABLE: Final = "Stable"


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """The client ids of a group's members, and all partitions assigned to them.

    A group that is not stable is rebalancing: its assignment may change at once.
    """

    names: frozenset[str]
    partitions: frozenset[TopicPartition]
    is_stable: bool


async def members_of(settings: Settings, group: str) -> frozenset[str]:
    """Return the client ids of a group's members; a group that does not exist has no members.

    Raises:
        KafkaError: the brokers do not answer, or the login may not describe the group.
    """
    return (await describe_group(settings, group)).names


async def describe_group(settings: Settings, group: str) -> GroupMembers:
    """Return the members of a group and their partitions.

    Raises:
        KafkaError: the brokers do not answer, the login may not describe the group, or no broker
            coordinates it for half a minute.
    """
    admin = new_admin(settings, CLIENT_ID)
    try:
        await admin.start()
        return await from_coordinator(lambda: _describe(admin, group))
    finally:
        await admin.close()


async def _describe(admin: AIOKafkaAdminClient, group: str) -> GroupMembers:
    names: set[str] = set()
    partitions: set[TopicPartition] = set()
    is_stable = True
    for answer in await admin.describe_consumer_groups([group]):
        for described in answer.groups:
            error_code, state, members = described[0], described[2], described[5]
            if error_code:
                raise for_code(error_code)(f"the members of {group} are not known")
            is_stable = is_stable and state == STABLE
            for member in members:
                names.add(member[1])
                partitions |= _partitions(member[4])
    return GroupMembers(frozenset(names), frozenset(partitions), is_stable)


def _partitions(assignment: bytes) -> set[TopicPartition]:
    if not assignment:
        return set()
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return {
        TopicPartition(topic, partition)
        for topic, partitions in decoded.assignment
        for partition in partitions
    }
