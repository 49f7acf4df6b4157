"""Apache Kafka as child processes: what was acknowledged survives the death of a broker."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from liq.devstack.kafka.cluster import ApacheKafka, ClusterOptions
from liq.devstack.supervisor import Supervisor
from liq.runtime.errors import DependencyError
from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.settings import Settings, load_settings
from tests.support.pipeline_log import values

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.environ.get("KAFKA") != "apache", reason="starts Apache Kafka; run with KAFKA=apache"
    ),
]
TOPIC = "kept"
Start = Callable[[ClusterOptions], tuple[ApacheKafka, Settings]]
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a cluster in the test's directory; gives it and the settings of its clients."""
    with Supervisor(tmp_path / "logs") as supervisor, ExitStack() as started:

        def run(options: ClusterOptions) -> tuple[ApacheKafka, Settings]:
            kafka = ApacheKafka(supervisor, tmp_path / "kafka", options)
            started.callback(kafka.stop)
            environment = kafka.start().environment
            known = {name.lower(): text for name, text in environment.items()}
            return kafka, load_settings(**known)

        yield run


async def publish(settings: Settings, *records: bytes) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(TOPIC, record, partition=0)
    finally:
        await producer.stop()


async def create(settings: Settings, replicas: int) -> None:
    admin = new_admin(settings, "test")
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, replicas)])
    finally:
        await admin.close()


async def replicas_in_sync(settings: Settings) -> int:
    admin = new_admin(settings, "test")
    await admin.start()
    try:
        (topic,) = await admin.describe_topics([TOPIC])
    finally:
        await admin.close()
    return len(topic["partitions"][0]["isr"])


@pytest.mark.timeout(180)
def test_one_broker_keeps_its_records_and_its_address(start: Start) -> None:
    kafka, settings = start(ClusterOptions())
    asyncio.run(create(settings, 1))
    asyncio.run(publish(settings, b"before"))
    first = kafka.process_id(1)
    kafka.kill_broker(1)
    kafka.start_broker(1)
    assert kafka.process_id(1) != first
    asyncio.run(publish(settings, b"after a kill"))
    assert kafka.stop_broker(1) == 143  # as Java says that SIGTERM ended it, in order
    kafka.stop()

    _, settings = start(ClusterOptions())
    assert values(settings, TOPIC) == [b"before", b"after a kill"]


@pytest.mark.timeout(240)
def test_three_brokers_go_on_without_one(start: Start, wait_until: WaitUntil) -> None:
    kafka, settings = start(ClusterOptions(brokers=3))
    assert settings.topic_replication == 3
    assert len({kafka.process_id(broker) for broker in kafka.brokers}) == 3
    asyncio.run(create(settings, settings.topic_replication))
    asyncio.run(publish(settings, b"to three"))
    kafka.kill_broker(2)
    asyncio.run(publish(settings, b"to two"))
    assert values(settings, TOPIC) == [b"to three", b"to two"]
    wait_until(lambda: asyncio.run(replicas_in_sync(settings)) == 2)
    kafka.start_broker(2)
    wait_until(lambda: asyncio.run(replicas_in_sync(settings)) == 3)
    # What the second broker missed it has now: it can stand in for the others.
    kafka.stop_broker(1)
    assert values(settings, TOPIC) == [b"to three", b"to two"]


async def can_log_in(settings: Settings, servers: str, password: str) -> bool:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        isolation_level="read_committed",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_plain_username="reader",
        sasl_plain_password=password,
    )
    try:
        await consumer.start()
        return TOPIC in await consumer.topics()
    except KafkaError:
        return False
    finally:
        await consumer.stop()


def test_a_further_listener_asks_for_a_password(start: Start) -> None:
    kafka, settings = start(
        ClusterOptions(
            listeners={"LOGIN": "SASL_PLAINTEXT"},
            scram_users={"reader": "right"},
            properties={
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.login.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
            },
        )
    )
    asyncio.run(create(settings, 1))
    servers = kafka.bootstrap_servers("LOGIN")
    assert asyncio.run(can_log_in(settings, servers, "right"))
    assert not asyncio.run(can_log_in(settings, servers, "wrong"))


def test_a_wrong_property_is_named(start: Start) -> None:
    with pytest.raises(DependencyError, match=r"num\.network\.threads"):
        start(ClusterOptions(properties={"num.network.threads": "none"}))
