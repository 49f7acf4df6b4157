"""Topics on the brokers: created where they are missing, compared where they are there.

A topic that exists is never changed: partitions decide where keys live, and retention may have
been set by the operator on purpose. Differences are said, and a wrong number of partitions is an
error, because order per key would break.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import MAX_REQUEST_BYTES, new_admin
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.logs import get_logger
from liq.runtime.settings import Settings
from liq.schemas.topics import TopicSpec
from liq.schemas.units import DAY_MS

CLIENT_ID: Final = "topics"
APPEAR_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1
MISSING: Final = "missing"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is wanted and as it is; `partitions` is None if it does not exist."""

    spec: TopicSpec
    wanted_partitions: int
    partitions: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the brokers have it."""
        return self.partitions is not None

    @property
    def wanted_configs(self) -> dict[str, str]:
        """The configuration that we create it with."""
        return {
            "cleanup.policy": self.spec.cleanup.value,
            "retention.ms": str(self.spec.retention_ms),
            # A rejected frame travels as base64, beyond the brokers' default of 1 MiB.
            "max.message.bytes": str(MAX_REQUEST_BYTES),
        }

    @property
    def has_wrong_partitions(self) -> bool:
        """Whether it exists with another number of partitions."""
        return self.exists and self.partitions != self.wanted_partitions

    @property
    def differences(self) -> tuple[str, ...]:
        """What is not as wanted, in words."""
        if not self.exists:
            return (MISSING,)
        found = {"partitions": str(self.partitions), **self.configs}
        wanted = {"partitions": str(self.wanted_partitions), **self.wanted_configs}
        return tuple(
            f"{name} is {found[name]}, wanted {value}"
            for name, value in wanted.items()
            if name in found and found[name] != value
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """Name, partitions, clean-up, retention and key, for a table on a terminal."""
        retention_ms = self.configs.get("retention.ms")
        return (
            self.spec.name,
            MISSING if self.partitions is None else str(self.partitions),
            self.configs.get("cleanup.policy", ""),
            "" if retention_ms is None else _duration(int(retention_ms)),
            self.spec.key,
        )


async def describe_topics(settings: Settings, exchanges: tuple[str, ...]) -> tuple[TopicState, ...]:
    """Every topic of the pipeline as it is now; nothing is changed.

    Raises:
        DependencyError: the brokers do not answer.
    """
    async with _admin(settings) as admin:
        return await _describe(admin, settings, exchanges)


async def ensure_topics(settings: Settings, exchanges: tuple[str, ...]) -> tuple[TopicState, ...]:
    """Create what is missing; safe to run from several processes at once.

    Raises:
        ConfigurationError: a topic has another number of partitions, or may not be created.
        DependencyError: the brokers do not answer.
    """
    async with _admin(settings) as admin:
        states = await _describe(admin, settings, exchanges)
        missing = [state for state in states if not state.exists]
        if missing:
            await _create(admin, settings, missing)
            states = await _wait_for_all(admin, settings, exchanges)
    wrong = [
        f"{state.spec.name} has {state.partitions}, wanted {state.wanted_partitions}"
        for state in states
        if state.has_wrong_partitions
    ]
    if wrong:
        raise ConfigurationError(
            "Topics exist with another number of partitions:\n  "
            + "\n  ".join(wrong)
            + "\nSet TOPIC_PARTITIONS to what they have, or TOPIC_NAMESPACE to a new name."
        )
    for state in states:
        if state.differences:
            log.warning("topic_differs", topic=state.spec.name, differences=state.differences)
    return states


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = new_admin(settings, CLIENT_ID)
    try:
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error


async def _describe(
    admin: AIOKafkaAdminClient, settings: Settings, exchanges: tuple[str, ...]
) -> tuple[TopicState, ...]:
    specs = settings.topics.specs(exchanges)
    names = {spec.name for spec in specs}
    # All topics are asked for: a broker may create one that is asked for by name.
    partitions = {
        topic["topic"]: len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["topic"] in names and topic["error_code"] == 0
    }
    configs: dict[str, dict[str, str]] = {}
    if partitions:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(partitions)]
        for answer in await admin.describe_configs(resources):
            for resource in answer.to_object()["resources"]:
                name = resource["resource_name"]
                # Another broker answers this one, which may not have heard of a new topic yet.
                if for_code(resource["error_code"]) is UnknownTopicOrPartitionError:
                    partitions.pop(name, None)
                configs[name] = {
                    entry["config_names"]: entry["config_value"]
                    for entry in resource["config_entries"]
                }
    return tuple(
        TopicState(
            spec,
            spec.partitions or settings.topic_partitions,
            partitions.get(spec.name),
            configs.get(spec.name, {}),
        )
        for spec in specs
    )


async def _create(
    admin: AIOKafkaAdminClient, settings: Settings, missing: list[TopicState]
) -> None:
    response = await admin.create_topics(
        [
            NewTopic(
                state.spec.name,
                state.wanted_partitions,
                settings.topic_replication,
                topic_configs=state.wanted_configs,
            )
            for state in missing
        ]
    )
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        # Another process may have been faster; what it created is compared afterwards.
        if code != 0 and error is not TopicAlreadyExistsError:
            detail = next((text for text in message if text), error.__name__)
            raise ConfigurationError(
                f"Kafka refused to create the topic {name}: {detail} Check TOPIC_PARTITIONS, "
                "TOPIC_REPLICATION and the rights of KAFKA_SASL_USERNAME."
            )
        if code == 0:
            log.info("topic_created", topic=name)


async def _wait_for_all(
    admin: AIOKafkaAdminClient, settings: Settings, exchanges: tuple[str, ...]
) -> tuple[TopicState, ...]:
    """Wait until the brokers have spread the word about new topics; gives all of them."""
    deadline = time.monotonic() + APPEAR_SECONDS
    while True:
        states = await _describe(admin, settings, exchanges)
        absent = [state.spec.name for state in states if not state.exists]
        if not absent:
            return states
        if time.monotonic() > deadline:
            raise DependencyError(
                f"Kafka created {', '.join(absent)} but does not list it after "
                f"{APPEAR_SECONDS:.0f} s."
            )
        await asyncio.sleep(POLL_SECONDS)


def _duration(milliseconds: int) -> str:
    if milliseconds < 0:
        return "for ever"
    return f"{milliseconds / DAY_MS:g} d"
