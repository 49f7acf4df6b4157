"""The known contracts: those in the package, and those on the instruments topic."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from liq.producers.reference.checks import Known
from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.records import Instrument

PARTITION: Final = 0
POLL_MS: Final = 500

log = get_logger(__name__)


def topic_key(instrument: Instrument) -> bytes:
    """Return the key of an instrument on its topic; each version of a contract has its own key."""
    key = f"{instrument.exchange}:{instrument.native_symbol}"
    if instrument.valid_from_ms is not None:
        key += f"@{instrument.valid_from_ms}"
    return key.encode()


class KnownContracts:
    """The newest version of every contract, kept up to date from the topic.

    It also has the offset of each contract's record; contracts only in the package have no offset.
    """

    def __init__(self, settings: Settings, shipped: Iterable[Instrument]) -> None:
        self._settings = settings
        self._topic = TopicPartition(settings.topics.instruments, PARTITION)
        self._by_exchange: dict[str, dict[str, Instrument]] = {}
        self._offsets: dict[tuple[str, str], int] = {}
        self._consumer: AIOKafkaConsumer | None = None
        for one in shipped:
            self._add(one, None)

    def of(self, exchange: str) -> Known:
        """Return the newest contracts of an exchange, by symbol."""
        return self._by_exchange.get(exchange, {})

    def newest_as_of(self, exchange: str) -> str:
        """Return the latest `as_of` of an exchange's contracts; empty without contracts."""
        return max((one.as_of for one in self.of(exchange).values()), default="")

    async def read(self) -> None:
        """Connect, and read the topic to its present end.

        Raises:
            KafkaError: the brokers do not answer.
        """
        self._consumer = consumer = new_consumer(self._settings)
        await start_consumer(self._settings, consumer)
        end = await assign_from_beginning(consumer, self._topic)
        async for record in read_to_ends(consumer, {self._topic: end}):
            self._take(record)

    async def follow(self) -> None:
        """Read the records that other programs append, such as `liq instruments refresh`."""
        while self._consumer is not None:
            await self._poll(self._consumer)

    async def close(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def publish(self, producer: AIOKafkaProducer, contracts: Sequence[Instrument]) -> None:
        """Publish contracts, and add them to the known ones.

        Raises:
            KafkaError: the brokers reject a record.
        """
        deliveries = [
            await producer.send(
                self._topic.topic, encode(one), key=topic_key(one), partition=PARTITION
            )
            for one in contracts
        ]
        for one, sent in zip(contracts, await asyncio.gather(*deliveries), strict=True):
            self._add(one, sent.offset)

    async def offset_of(
        self,
        producer: AIOKafkaProducer,
        exchange: str,
        symbols: Sequence[str],
        *,
        publish_again: bool = False,
    ) -> int:
        """Return the offset up to which the topic has some contracts; publish missing ones first.

        With `publish_again`, publish all: a reader did not find records that the topic once had.

        Raises:
            KafkaError: the brokers reject a record.
        """
        shipped = [
            self.of(exchange)[symbol]
            for symbol in symbols
            if publish_again or (exchange, symbol) not in self._offsets
        ]
        if shipped:
            await self.publish(producer, shipped)
        return max(self._offsets[exchange, symbol] for symbol in symbols)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                self._take(record)

    def _take(self, record: Any) -> None:
        if record.value is None:
            return
        try:
            self._add(decode(Instrument, record.value), record.offset)
        except DecodeError as error:
            ERRORS.labels("instrument_undecodable").inc()
            log.warning("instrument_undecodable", error=str(error))

    def _add(self, one: Instrument, offset: int | None) -> None:
        of_exchange = self._by_exchange.setdefault(one.exchange, {})
        before = of_exchange.get(one.native_symbol)
        if before is None or (before.valid_from_ms or 0) <= (one.valid_from_ms or 0):
            of_exchange[one.native_symbol] = one
        if offset is not None:
            # The latest offset, even if it is lower: a topic that was created again begins at 0.
            self._offsets[one.exchange, one.native_symbol] = offset
