"""Kafka clients with the same options in every worker."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from liq.runtime.errors import ConfigurationError
from liq.runtime.logs import get_logger
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
# Limits of one fetch response, compressed: of each partition, and of all together (see below).
# A broker returns the first batch even if it exceeds the limit.
PARTITION_FETCH_BYTES = 256 * 1024
LEAST_PARTITION_FETCH_BYTES = 64 * 1024
# The fetched, not yet polled bytes of all partitions, unless the least of each adds up to more.
UNREAD_BYTES = 16 * 1024 * 1024
FETCH_MAX_BYTES = 8 * 1024 * 1024
LEAVE_SECONDS = 5
# Records of aborted transactions are not data.
READ_COMMITTED = "read_committed"

log = get_logger(__name__)

forbid_topic_creation()


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context for the settings, or None for a plain connection.

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
    """Return the options of every aiokafka client: brokers, timeout, TLS and login."""
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
    """Return an idempotent producer: all replicas acknowledge, and retries keep the order."""
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
    """Return a consumer without automatic commits, which starts at the beginning of a new topic.

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
    """Start a consumer; for a broker without a long poll, slow down its empty fetches."""
    await consumer.start()
    # Without a group, aiokafka has started a background task. If `stop` cancels the task before
    # its first step, `stop` raises CancelledError. One turn of the loop runs that step.
    await asyncio.sleep(0)
    if settings.kafka_emulate_long_poll:
        emulate_long_poll(consumer)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer within `LEAVE_SECONDS`, also while its brokers are away.

    aiokafka's `stop` waits for brokers without a limit. It raises CancelledError while a failed
    fetch waits for its next attempt, and then leaves the connections open.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait({stopping}, timeout=LEAVE_SECONDS)
    if not stopping.done():
        log.warning("kafka_did_not_close", seconds=LEAVE_SECONDS)
        stopping.cancel()
    elif stopping.cancelled():
        await consumer._client.close()  # noqa: SLF001 - it has no public way
    elif (error := stopping.exception()) is not None:
        log.warning("kafka_did_not_close", error=repr(error))


async def assign_from_beginning(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    """Assign one partition, from its oldest record, to a consumer without a group.

    Returns:
        The partition's current end offset.

    Raises:
        KafkaError: the brokers do not answer.
    """
    return (await assign_all_from_beginning(consumer, [partition]))[partition]


async def assign_all_from_beginning(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """Assign partitions from their oldest records; return their current end offsets.

    Raises:
        KafkaError: the brokers do not answer.
    """
    consumer.assign(partitions)
    # No seek: it would wait for the first fetch, which the broker delays in an empty partition.
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends


def partition_fetch_bytes(partitions: int) -> int:
    """Return the fetch size (bytes) of each partition that bounds the fetched bytes of all."""
    share = UNREAD_BYTES // max(1, partitions)
    return max(LEAST_PARTITION_FETCH_BYTES, min(PARTITION_FETCH_BYTES, share))


def new_admin(settings: Settings, client_id: str) -> AIOKafkaAdminClient:
    """Return an admin client."""
    return AIOKafkaAdminClient(client_id=client_id, **connection_options(settings))
