"""The operations on topics and groups that the brokers authorize for the login of this process.

The requests only describe topics and groups, so the authorizer's log records no denied operation.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.admin import DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from liq.runtime.kafka import new_admin
from liq.runtime.partitions import from_coordinator
from liq.runtime.settings import Settings

CLIENT_ID: Final = "rights"
#: The field's value in answers of brokers without an authorizer.
UNKNOWN: Final = -(2**31)


class OperationCode(IntEnum):
    """Operation codes of Kafka's protocol; a code is also its bit's position in an answer."""

    READ = 3
    WRITE = 4
    CREATE = 5
    ALTER = 7
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11


Operations = frozenset[OperationCode]


@dataclass(frozen=True, slots=True)
class Authorized:
    """The authorized operations by topic and by group; brokers may leave out either."""

    topics: Mapping[str, Operations] = field(default_factory=dict)
    groups: Mapping[str, Operations] = field(default_factory=dict)


async def authorized_operations(
    settings: Settings, topics: Collection[str], groups: Collection[str]
) -> Authorized:
    """Return the operations authorized on each topic that exists or is hidden, and on each group.

    Brokers before Kafka 2.3 do not report operations: the result is empty.

    Raises:
        KafkaError: the brokers do not answer, or no broker coordinates a group for half a minute.
    """
    admin = new_admin(settings, CLIENT_ID)
    try:
        await admin.start()
        return Authorized(
            await _of_topics(admin, topics),
            {
                group: operations
                for group in groups
                if (operations := await _of_group(admin, group)) is not None
            },
        )
    except (IncompatibleBrokerVersion, NotImplementedError):
        return Authorized()  # aiokafka raises the one or the other for brokers that are older
    finally:
        await admin.close()


async def _of_topics(admin: AIOKafkaAdminClient, topics: Collection[str]) -> dict[str, Operations]:
    answer = await admin._send_request(_TopicsRequest(sorted(topics)))  # noqa: SLF001 - no public way
    found: dict[str, Operations] = {}
    for code, topic, _internal, _partitions, operations in answer.topics:
        if for_code(code) is TopicAuthorizationFailedError:
            found[topic] = frozenset()
        elif code == 0 and operations != UNKNOWN:
            found[topic] = decoded(operations)
    return found


async def _of_group(admin: AIOKafkaAdminClient, group: str) -> Operations | None:
    try:
        operations = await from_coordinator(lambda: _describe_group(admin, group))
    except GroupAuthorizationFailedError:
        return frozenset()
    return None if operations == UNKNOWN else decoded(operations)


async def _describe_group(admin: AIOKafkaAdminClient, group: str) -> int:
    """Return the bit field of a group's authorized operations.

    Raises:
        KafkaError: the broker is not the group's coordinator, or does not authorize the request.
    """
    node = await admin.find_coordinator(group)
    answer = await admin._send_request(_GroupsRequest([group]), node)  # noqa: SLF001
    [described] = answer.groups
    if described[0]:
        raise for_code(described[0])(f"the group {group} is not known")
    operations: int = described[-1]
    return operations


def decoded(bits: int) -> Operations:
    """Return the operations of a bit field."""
    return frozenset(code for code in OperationCode if bits >> code & 1)


class _TopicsResponseV8(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(
                ("node_id", Int32),
                ("host", String("utf-8")),
                ("port", Int32),
                ("rack", String("utf-8")),
            ),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _TopicsRequestV8(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicsResponseV8
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _TopicsRequest(Request[_TopicsRequestV8]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in the form that aiokafka sends; it creates no topic."""
        return request_struct_class(self._topics, False, False, True)  # noqa: FBT003


class _GroupsRequestV3(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    """DescribeGroups with the right response; aiokafka's class drops the operations."""

    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = DescribeGroupsResponse_v3
    SCHEMA = Schema(("groups", Array(String("utf-8"))), ("include_authorized_operations", Boolean))


class _GroupsRequest(Request[_GroupsRequestV3]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 15

    def __init__(self, groups: list[str]) -> None:
        self._groups = groups

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in the form that aiokafka sends."""
        return request_struct_class(self._groups, True)  # noqa: FBT003
