"""Kafka's request to alter single settings of topics, which aiokafka's admin client lacks.

The admin client's `alter_configs` replaces all settings of a topic: settings that the request does
not name return to the brokers' defaults. This request (IncrementalAlterConfigs, KIP-339, Kafka 2.3)
alters the named settings only.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from liq.runtime.errors import ConfigurationError
from liq.runtime.kafka import connection_options
from liq.runtime.settings import Settings

API_KEY: Final = 44
SET: Final = 0

# Topic -> (error code, the broker's message).
Refusals = dict[str, tuple[int, str]]


async def set_topic_configs(
    settings: Settings, client_id: str, changes: Mapping[str, Mapping[str, str]]
) -> Refusals:
    """Set the named settings of some topics; their other settings do not change.

    Returns:
        The topics that the brokers refused to alter, with the reasons.

    Raises:
        ConfigurationError: the brokers do not support the request.
        KafkaError: the brokers do not answer.
    """
    client = AIOKafkaClient(client_id=client_id, **connection_options(settings))
    try:
        await client.bootstrap()
        answer = await client.send(client.get_random_node(), _AlterRequest(changes))
    except IncompatibleBrokerVersion as error:
        raise ConfigurationError(
            "The brokers are older than Kafka 2.3 and cannot alter single settings of topics; "
            "alter them with kafka-configs."
        ) from error
    finally:
        await client.close()
    return {topic: (code, text or "") for code, text, _, topic in answer.responses if code != 0}


class _AlterResponseV0(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = API_KEY
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _AlterRequestV0(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    API_KEY = API_KEY
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponseV0
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(
                        ("name", String("utf-8")),
                        ("config_operation", Int8),
                        ("value", String("utf-8")),
                    ),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class _AlterRequest(Request[_AlterRequestV0]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = API_KEY

    def __init__(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        self._changes = changes

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in the form that aiokafka sends."""
        resources = [
            (ConfigResourceType.TOPIC, topic, [(name, SET, value) for name, value in new.items()])
            for topic, new in self._changes.items()
        ]
        return request_struct_class(resources=resources, validate_only=False)
