"""The check of Kafka: topics, a probe record that is written and read, and the broker's clock."""

import secrets
import time
from dataclasses import dataclass
from typing import Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from liq.cli.doctor.findings import Check, Level
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import (
    assign_from_beginning,
    new_admin,
    new_consumer,
    new_producer,
    start_consumer,
)
from liq.runtime.settings import Settings
from liq.runtime.topic_state import TopicState
from liq.runtime.topics import describe_topics
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import Instrument, Rate
from liq.schemas.units import HOUR_MS

CLIENT_ID: Final = "doctor"
CHECK: Final = "kafka"
PROBE_SECONDS: Final = 15.0
POLL_MS: Final = 200
APPEND_TIME: Final = 1  # the `timestamp_type` of a record whose time is the broker's
Kind = TypeVar("Kind", Instrument, Rate)
NO_RIGHT: Final = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


@dataclass(frozen=True, slots=True)
class KafkaSeen:
    """The findings; `clock_ms` is this host's clock minus the broker's, if the broker reports it.

    `contracts` and `rates` are those published for the workers.
    """

    checks: tuple[Check, ...]
    clock_ms: int | None = None
    contracts: tuple[Instrument, ...] = ()
    rates: tuple[Rate, ...] = ()


async def examine_kafka(settings: Settings, exchanges: tuple[str, ...]) -> KafkaSeen:
    """Check the brokers; this writes one record, to the doctor's own topic."""
    try:
        states = await describe_topics(settings, exchanges)
    except DependencyError as error:
        return KafkaSeen((Check(CHECK, Level.NOT_REACHED, str(error)),))
    except ConfigurationError as error:
        return KafkaSeen((Check(CHECK, Level.FAILED, str(error)),))
    where = settings.kafka_bootstrap_servers
    checks = [Check(CHECK, Level.OK, f"The brokers at {where} answer."), topics_check(states)]
    clock_ms = None
    contracts: tuple[Instrument, ...] = ()
    rates: tuple[Rate, ...] = ()
    present = {state.spec.name for state in states if state.exists}
    try:
        clock_ms, probe = await _probe(settings)
        checks.append(probe)
        if settings.topics.instruments in present:
            contracts = await _published(settings, settings.topics.instruments, Instrument)
        if settings.topics.rates in present:
            rates = await _published(settings, settings.topics.rates, Rate)
    except KafkaError as error:
        checks.append(Check("kafka probe", Level.FAILED, _failed_probe(settings, error)))
    return KafkaSeen(tuple(checks), clock_ms, contracts, rates)


def topics_check(states: tuple[TopicState, ...]) -> Check:
    """Compare the topics with their specifications."""
    name = "kafka topics"
    missing = [state.spec.name for state in states if not state.exists]
    if len(missing) == len(states):
        text = "No topic exists yet: `liq topics` or the first worker creates them."
        return Check(name, Level.WARNING, text)
    if missing:
        text = f"{len(missing)} of {len(states)} topics are missing, such as {missing[0]}; "
        return Check(name, Level.FAILED, text + "`liq topics` creates them.")
    wrong = [state for state in states if state.has_wrong_partitions]
    if wrong:
        first = wrong[0]
        text = (
            f"{len(wrong)} topics have another number of partitions, such as {first.spec.name} "
            f"({first.partitions}, wanted {first.wanted_partitions}): set TOPIC_PARTITIONS to what "
            "they were made with, or TOPIC_NAMESPACE to a new name."
        )
        return Check(name, Level.FAILED, text)
    other = [state for state in states if state.differences]
    if other:
        text = (
            f"{len(other)} topics are set up otherwise, such as {other[0].spec.name}: "
            f"{'; '.join(other[0].differences)}. `liq topics --check` lists them."
        )
        return Check(name, Level.WARNING, text)
    return Check(name, Level.OK, f"All {len(states)} topics are as they should be.")


async def _probe(settings: Settings) -> tuple[int | None, Check]:
    """Write a record to the doctor's own topic, and read it again.

    Raises:
        KafkaError: Kafka refused the request, or did not answer.
    """
    await _make_probe_topic(settings)
    topic, value = settings.topics.probe, secrets.token_hex(16).encode()
    producer = new_producer(settings, CLIENT_ID, linger_ms=0)
    try:
        await producer.start()
        sent = await producer.send_and_wait(topic, value, key=value, partition=0)
        now_ms = time.time_ns() // 1_000_000
    finally:
        await producer.stop()
    consumer = new_consumer(settings)
    try:
        await start_consumer(settings, consumer)
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, sent.offset)
        found = await _read(consumer, partition, value)
    finally:
        await consumer.stop()
    if not found:
        text = f"A record written to {topic} could not be read within {PROBE_SECONDS:.0f} s."
        return None, Check("kafka probe", Level.FAILED, text)
    clock_ms = now_ms - sent.timestamp if sent.timestamp_type == APPEND_TIME else None
    text = f"A record was written to {topic} and read again."
    return clock_ms, Check("kafka probe", Level.OK, text)


async def _make_probe_topic(settings: Settings) -> None:
    """Create the probe's topic if it is missing; its retention is an hour."""
    admin: AIOKafkaAdminClient = new_admin(settings, CLIENT_ID)
    configs = {"retention.ms": str(HOUR_MS), "message.timestamp.type": "LogAppendTime"}
    topic = settings.topics.probe
    try:
        await admin.start()
        if any(each["topic"] == topic for each in await admin.describe_topics()):
            return
        new = NewTopic(topic, 1, settings.topic_replication, topic_configs=configs)
        for _, code, *message in (await admin.create_topics([new])).topic_errors:
            error = for_code(code)
            if code != 0 and error is not TopicAlreadyExistsError:
                raise error(next((text for text in message if text), error.__name__))
    finally:
        await admin.close()


async def _read(consumer: AIOKafkaConsumer, partition: TopicPartition, value: bytes) -> bool:
    deadline = time.monotonic() + PROBE_SECONDS
    while time.monotonic() < deadline:
        records = await consumer.getmany(partition, timeout_ms=POLL_MS)
        if any(record.value == value for batch in records.values() for record in batch):
            return True
    return False


async def _published(settings: Settings, topic: str, kind: type[Kind]) -> tuple[Kind, ...]:
    """Return the present records of a topic with one partition.

    Raises:
        KafkaError: the brokers do not answer.
    """
    found = []
    partition = TopicPartition(topic, 0)
    consumer = new_consumer(settings)
    try:
        await start_consumer(settings, consumer)
        end = await assign_from_beginning(consumer, partition)
        deadline = time.monotonic() + PROBE_SECONDS
        while await consumer.position(partition) < end and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                found += [one for record in records if (one := _decoded(kind, record.value))]
    finally:
        await consumer.stop()
    return tuple(found)


def _decoded(kind: type[Kind], value: bytes | None) -> Kind | None:
    if value is None:
        return None
    try:
        return decode(kind, value)
    except DecodeError:
        return None


def _failed_probe(settings: Settings, error: KafkaError) -> str:
    topic = settings.topics.probe
    if isinstance(error, NO_RIGHT):
        return (
            f"The user has no right to write and read {topic}: grant CREATE, WRITE and READ on "
            "it, and those of docs/security.md on the others."
        )
    return f"A record could not be written to {topic} and read again: {error}."
