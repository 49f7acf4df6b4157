"""Topics on the brokers: creation of missing topics, and comparison of existing ones.

Workers never alter an existing topic, because an operator may have set its retention on purpose.
`alter_topics` does so for `liq topics --apply`. A wrong number of partitions is an error, because
it would break the order per key. `liq topics grow` adds partitions in steps that keep the order;
`add_partitions` is one of those steps. From then on, the layout defines the right number.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.incremental_configs import Refusals, set_topic_configs
from liq.runtime.kafka import new_admin
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.layout import read_layout
from liq.runtime.logs import get_logger
from liq.runtime.partitions import list_partitions
from liq.runtime.settings import Settings
from liq.runtime.topic_state import TopicState
from liq.schemas.topics import TopicSpec

CLIENT_ID: Final = "topics"
APPEAR_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """An altered setting of a topic."""

    topic: str
    setting: str
    before: str
    after: str


async def describe_topics(settings: Settings, exchanges: tuple[str, ...]) -> tuple[TopicState, ...]:
    """Return the state of every topic of the pipeline, without changing any.

    Raises:
        DependencyError: the brokers do not answer.
    """
    async with _admin(settings) as admin:
        return await _describe(admin, settings, exchanges)


async def ensure_topics(settings: Settings, exchanges: tuple[str, ...]) -> tuple[TopicState, ...]:
    """Create missing topics; safe to run from several processes at once.

    Raises:
        ConfigurationError: a topic has a wrong number of partitions, or the brokers refuse to
            create it.
        DependencyError: the brokers do not answer.
    """
    async with _admin(settings) as admin:
        states = await _describe(admin, settings, exchanges)
        missing = [state for state in states if not state.exists]
        if missing:
            await _create(admin, settings, missing)
            states = await _wait_until(admin, settings, exchanges, _exists, "created")
    wrong = [
        f"{state.spec.name} has {state.partitions}, wanted {state.wanted_partitions}"
        for state in states
        if state.has_wrong_partitions
    ]
    if wrong:
        raise ConfigurationError(
            "Topics exist with another number of partitions:\n  "
            + "\n  ".join(wrong)
            + "\nSet TOPIC_PARTITIONS to what they had when they were made (`liq topics grow` "
            "needs no setting), or TOPIC_NAMESPACE to a new name."
        )
    for state in states:
        if state.differences:
            log.warning("topic_differs", topic=state.spec.name, differences=state.differences)
    return states


async def alter_topics(settings: Settings, exchanges: tuple[str, ...]) -> tuple[ConfigChange, ...]:
    """Alter the differing settings of existing topics; settings that no spec names do not change.

    Raises:
        ConfigurationError: the brokers refuse a change.
        DependencyError: the brokers do not answer, or do not show a change that they accepted.
    """
    async with _admin(settings) as admin:
        states = await _describe(admin, settings, exchanges)
        changes = {
            state.spec.name: state.config_changes for state in states if state.config_changes
        }
        if changes:
            _check_refusals(await set_topic_configs(settings, CLIENT_ID, changes))
            await _wait_until(admin, settings, exchanges, _has_no_change, "altered")
    return tuple(
        ConfigChange(state.spec.name, setting, before=state.configs[setting], after=value)
        for state in states
        for setting, value in state.config_changes.items()
    )


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
    # Describe every topic: a broker may create a topic that is requested by name.
    partitions: dict[str, list[Any]] = {
        topic["topic"]: topic["partitions"]
        for topic in await admin.describe_topics()
        if topic["topic"] in names and topic["error_code"] == 0
    }
    configs: dict[str, dict[str, str]] = {}
    if partitions:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(partitions)]
        for answer in await admin.describe_configs(resources):
            for resource in answer.to_object()["resources"]:
                name = resource["resource_name"]
                # Another broker answers this request, and may not know a new topic yet.
                if for_code(resource["error_code"]) is UnknownTopicOrPartitionError:
                    partitions.pop(name, None)
                configs[name] = {
                    entry["config_names"]: entry["config_value"]
                    for entry in resource["config_entries"]
                }
    wanted = await _wanted_partitions(settings, specs, partitions)
    states = []
    for spec in specs:
        found = partitions.get(spec.name)
        state = TopicState(
            spec,
            wanted_partitions=wanted[spec.name],
            wanted_replication=settings.topic_replication,
            partitions=None if found is None else len(found),
            replication=min((len(each["replicas"]) for each in found or ()), default=None),
            configs=configs.get(spec.name, {}),
        )
        states.append(state)
    return tuple(states)


async def _wanted_partitions(
    settings: Settings, specs: Sequence[TopicSpec], found: Mapping[str, Sequence[Any]]
) -> dict[str, int]:
    """Return the right number of partitions of each topic.

    During a growth, and after a cancelled one, growing topics may have more partitions than the
    layout uses.
    """
    wanted = {spec.name: spec.partitions or settings.topic_partitions for spec in specs}
    if settings.topics.layout not in found:
        return wanted
    layout = (await read_layout(settings)).layout
    if layout is None:
        return wanted
    most = max(layout.partitions, layout.target)
    for spec in specs:
        if spec.grows:
            count = len(found.get(spec.name, ()))
            wanted[spec.name] = min(max(count, layout.partitions), most)
    return wanted


async def add_partitions(settings: Settings, topics: Sequence[str], count: int) -> None:
    """Add partitions to topics that have fewer than `count`, and wait until metadata shows them.

    Raises:
        ConfigurationError: the brokers refuse.
        DependencyError: the brokers do not answer, or do not show the added partitions.
    """
    async with _admin(settings) as admin:
        deadline = time.monotonic() + APPEAR_SECONDS
        for topic in topics:
            while len(await list_partitions(admin, [topic])) < count:
                try:
                    await admin.create_partitions({topic: NewPartitions(count)})
                except InvalidPartitionsError:
                    pass  # a request whose answer was lost has added them; not shown yet
                except (TopicAuthorizationFailedError, InvalidReplicationFactorError) as error:
                    raise ConfigurationError(
                        f"Kafka refused to add partitions to {topic}: {error} Check the right "
                        "ALTER of KAFKA_SASL_USERNAME on the topic."
                    ) from error
                if time.monotonic() > deadline:
                    raise DependencyError(
                        f"Kafka does not show {count} partitions of {topic} after "
                        f"{APPEAR_SECONDS:.0f} s."
                    )
                await asyncio.sleep(POLL_SECONDS)
            log.info("partitions_added", topic=topic, partitions=count)


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
        # Another process may have created the topic first; the caller compares it afterwards.
        if code != 0 and error is not TopicAlreadyExistsError:
            detail = next((text for text in message if text), error.__name__)
            raise ConfigurationError(
                f"Kafka refused to create the topic {name}: {detail} Check TOPIC_PARTITIONS, "
                "TOPIC_REPLICATION and the right CREATE of KAFKA_SASL_USERNAME."
            )
        if code == 0:
            log.info("topic_created", topic=name)


async def _wait_until(
    admin: AIOKafkaAdminClient,
    settings: Settings,
    exchanges: tuple[str, ...],
    is_done: Callable[[TopicState], bool],
    verb: str,
) -> tuple[TopicState, ...]:
    """Wait until the brokers' metadata shows a change of topics; return the state of all topics."""
    deadline = time.monotonic() + APPEAR_SECONDS
    while True:
        states = await _describe(admin, settings, exchanges)
        absent = [state.spec.name for state in states if not is_done(state)]
        if not absent:
            return states
        if time.monotonic() > deadline:
            raise DependencyError(
                f"Kafka {verb} {', '.join(absent)} but does not show it after "
                f"{APPEAR_SECONDS:.0f} s."
            )
        await asyncio.sleep(POLL_SECONDS)


def _check_refusals(refusals: Refusals) -> None:
    """Raise ConfigurationError for the first topic that the brokers refused to alter."""
    for name, (code, text) in refusals.items():
        raise ConfigurationError(
            f"Kafka refused to alter the topic {name}: {text or for_code(code).__name__} Check "
            "the right ALTER_CONFIGS of KAFKA_SASL_USERNAME."
        )


def _exists(state: TopicState) -> bool:
    return state.exists


def _has_no_change(state: TopicState) -> bool:
    return not state.config_changes
