"""Kafka clients, set up once and alike for every worker."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from liq.runtime.errors import ConfigurationError
from liq.runtime.long_poll import emulate_long_poll
from liq.runtime.settings import Settings
from liq.runtime.topic_creation import forbid_topic_creation
from liq.runtime.unreadable_batches import skip_unreadable_batches
from liq.schemas.topics import Compression

LINGER_MS = 5
MAX_BATCH_BYTES = 262_144
# The largest frame that producers accept is 1 MiB; a rejected record carries it as base64.
MAX_REQUEST_BYTES = 4 * 1024 * 1024
REQUEST_TIMEOUT_MS = 30_000
FETCH_MAX_WAIT_MS = 100
# What a consumer keeps in memory of an answer, compressed: of one partition, and of all together.
# A batch that is larger than that is returned nevertheless, alone.
PARTITION_FETCH_BYTES = 256 * 1024
FETCH_MAX_BYTES = 8 * 1024 * 1024
# Records of aborted transactions are not data.
READ_COMMITTED = "read_committed"

forbid_topic_creation()


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context that the settings ask for, or None for a plain connection.

    Raises:
        ConfigurationError: a certificate file cannot be read.
    """
    if "SSL" not in settings.kafka_security_protocol.split("_"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile or None)
        if settings.kafka_ssl_certfile:
            context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile or None)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read the TLS files ({error}); check KAFKA_SSL_CAFILE, KAFKA_SSL_CERTFILE "
            "and KAFKA_SSL_KEYFILE."
        ) from error
    return context


def connection_options(settings: Settings) -> dict[str, Any]:
    """Options that every aiokafka client takes."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }
    context = ssl_context(settings)
    if context is not None:
        options["ssl_context"] = context
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options


def new_producer(
    settings: Settings,
    client_id: str,
    *,
    linger_ms: int = LINGER_MS,
    compression: Compression = Compression.LZ4,
) -> AIOKafkaProducer:
    """An idempotent producer: every replica acknowledges, retries cannot double or reorder."""
    return AIOKafkaProducer(
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=linger_ms,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        compression_type=compression.value,
        **connection_options(settings),
    )


def new_consumer(
    settings: Settings, *topics: str, group: str | None = None, **options: Any
) -> AIOKafkaConsumer:
    """A consumer that commits only when told, and starts at the beginning of a new topic.

    With a group, membership is static (`WORKER_SLOT`), so that a restart moves no partition.
    """
    skip_unreadable_batches()
    membership = {}
    if group is not None:
        membership = {"group_id": group, "group_instance_id": f"{group}-{settings.worker_slot}"}
    return AIOKafkaConsumer(
        *topics,
        **{
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "fetch_max_wait_ms": FETCH_MAX_WAIT_MS,
            "isolation_level": READ_COMMITTED,
            "session_timeout_ms": 15_000,
            "heartbeat_interval_ms": 3_000,
            **membership,
            **connection_options(settings),
            **options,
        },
    )


async def start_consumer(settings: Settings, consumer: AIOKafkaConsumer) -> None:
    """Start a consumer; on a broker without a long poll, slow down its empty fetches."""
    await consumer.start()
    # Without a group, aiokafka has a background task by now that cannot be stopped before its
    # first step: `stop` would raise CancelledError. One turn of the loop is that step.
    await asyncio.sleep(0)
    if settings.kafka_emulate_long_poll:
        emulate_long_poll(consumer)


async def assign_from_beginning(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    """Assign one partition to a consumer without a group, which starts at its oldest record.

    Returns:
        The end that the partition has now.

    Raises:
        KafkaError: the brokers do not answer.
    """
    return (await assign_all_from_beginning(consumer, [partition]))[partition]


async def assign_all_from_beginning(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """Assign partitions at their oldest records; return the ends that they have now.

    Raises:
        KafkaError: the brokers do not answer.
    """
    consumer.assign(partitions)
    # No seek: it would wait for the first fetch, which the broker holds back while it is empty.
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends


def new_admin(settings: Settings, client_id: str) -> AIOKafkaAdminClient:
    """An admin client, for topics and groups."""
    return AIOKafkaAdminClient(client_id=client_id, **connection_options(settings))
