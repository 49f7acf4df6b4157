"""Enabling of a receiver by an operator, through the ledger."""

from aiokafka.errors import KafkaError

from liq.runtime.errors import DependencyError
from liq.runtime.kafka import new_producer
from liq.runtime.kafka_refusal import why_refused
from liq.runtime.settings import Settings
from liq.sinks.notify.clock import now_ms
from liq.sinks.notify.ledger import CLIENT_ID
from liq.sinks.notify.ledger_records import Enabled, encode_enabled


async def enable_receiver(settings: Settings, name: str) -> None:
    """Append a record that enables a receiver.

    Raises:
        DependencyError: Kafka does not answer.
    """
    key, value = encode_enabled(Enabled(name, now_ms()))
    producer = new_producer(settings, CLIENT_ID)
    try:
        try:
            await producer.start()
            await producer.send_and_wait(settings.topics.notify_ledger, value, key=key, partition=0)
        finally:
            await producer.stop()
    except KafkaError as error:
        raise why_refused(settings, error) or DependencyError(
            f"Kafka at {settings.kafka_bootstrap_servers} failed ({error!r}); check "
            "KAFKA_BOOTSTRAP_SERVERS, and that `liq topics` has run."
        ) from error
