"""Kafka's ids of topics, which aiokafka does not request.

A topic that is deleted and created again keeps its name and gets a new id. Answers to metadata
requests have ids from version 10 on (KIP-516, Kafka 2.8).
"""

import uuid
from collections.abc import Collection, Iterable
from io import BytesIO
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS

API_KEY: Final = 3
API_VERSION: Final = 10
ID_BYTES: Final = 16
NO_ID: Final = bytes(ID_BYTES)

log = get_logger(__name__)


async def topic_ids(client: AIOKafkaClient, topics: Collection[str]) -> dict[str, str]:
    """Return the id of each topic that exists, with a connected client.

    The id is empty for brokers without ids (Kafka before 2.8, the embedded broker).

    Raises:
        KafkaError: the brokers do not answer.
    """
    try:
        answer = await client.send(client.get_random_node(), _MetadataRequest(topics))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return dict.fromkeys(topics, "")
    return {
        name: "" if topic_id == NO_ID else str(uuid.UUID(bytes=topic_id))
        for error_code, name, topic_id, *_ in answer.topics
        if error_code == 0
    }


async def found_ids(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> dict[str, str] | None:
    """Return the ids of the topics that exist; None if the brokers do not answer."""
    wanted = set(topics)
    if not wanted:
        return {}
    try:
        return await topic_ids(consumer._client, wanted)  # noqa: SLF001 - it has no public way
    except KafkaError as error:
        ERRORS.labels("topic_ids").inc()
        log.warning("topic_ids_unknown", error=repr(error))
        return None


def is_unknown(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> bool:
    """Return whether a consumer's metadata lacks one of these topics, all of which exist.

    The consumer joined its group while the topic was deleted. Its own refresh of the metadata would
    follow only after five minutes.
    """
    cluster = consumer._client.cluster  # noqa: SLF001 - it has no public way
    return not all(cluster.partitions_for_topic(topic) for topic in topics)


class _Id(AbstractType[bytes]):  # type: ignore[misc] # aiokafka has no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(ID_BYTES)


class _MetadataResponseV10(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = API_KEY
    API_VERSION = API_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Id),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequestV10(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = API_KEY
    API_VERSION = API_VERSION
    RESPONSE_TYPE = _MetadataResponseV10
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", _Id),
                ("name", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestV10]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = API_KEY

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> _MetadataRequestV10:
        """Return the request in the form that aiokafka sends."""
        return cast(
            "_MetadataRequestV10",
            request_struct_class(
                topics=[(NO_ID, topic, {}) for topic in self._topics],
                allow_auto_topic_creation=False,
                include_cluster_authorized_operations=False,
                include_topic_authorized_operations=False,
                tags={},
            ),
        )
