"""Records of every kind, published piece by piece, as a pipeline with mishaps would."""

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal

from aiokafka import AIOKafkaProducer

from runtime.kafka import new_producer
from runtime.settings import Settings
from schemas.codec import encode
from schemas.records import (
    CascadeAlert,
    FeedStatus,
    Instrument,
    Liquidation,
    Rejected,
    ScoreParts,
    Source,
)
from schemas.vocabulary import (
    AlertType,
    Completeness,
    ContractKind,
    Evidence,
    FeedEvent,
    PriceKind,
    RejectReason,
    Scope,
    Side,
)

STARTED_AT_MS = 1_783_500_000_000


class Flow:
    """Publishes events piece by piece, and the other records between them.

    One event in ten comes again under a new offset, as from a second producer, and here and there
    is a record that nobody can decode.
    """

    def __init__(self, settings: Settings, chance: random.Random) -> None:
        self._settings = settings
        self._chance = chance
        self._count = 0

    def publish(self, count: int) -> None:
        topics = self._settings.topics
        numbers = range(self._count, self._count + count)
        self._count += count
        events = [encode(liquidation(number)) for number in numbers]
        again = self._chance.choices(range(self._count), k=count // 10)
        events += [encode(liquidation(number)) for number in again]
        events += [b"{" + encode(liquidation(numbers[0]))]
        self._chance.shuffle(events)
        asyncio.run(
            send(
                self._settings,
                {
                    topics.events: events,
                    topics.rejected: [encode(rejection(number)) for number in numbers[::40]] * 2,
                    topics.feeds: [encode(feed_status(number)) for number in numbers[::40]] * 2,
                    topics.instruments: [encode(instrument(number)) for number in numbers[::40]],
                    topics.cascades: [encode(alert(number)) for number in numbers[::40]] * 2,
                },
            )
        )


async def send(settings: Settings, values: dict[str, Sequence[bytes]]) -> None:
    """Publish values, spread over the partitions of their topics; all are acknowledged."""
    producer: AIOKafkaProducer = new_producer(settings, "test")
    await producer.start()
    try:
        for topic, sent in values.items():
            count = len(await producer.partitions_for(topic))
            # A compacted topic takes no record without a key.
            futures = [
                await producer.send(topic, value, key=b"%d" % number, partition=number % count)
                for number, value in enumerate(sent)
            ]
            await asyncio.gather(*futures)
    finally:
        await producer.stop()


def liquidation(number: int) -> Liquidation:
    return Liquidation(
        event_id=f"{number:032x}",
        exchange=("binance", "bybit", "okx")[number % 3],
        symbol=f"A{number % 17}USDT",
        native_symbol=f"A{number % 17}-USDT",
        base=f"A{number % 17}",
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        side=Side.LONG if number % 5 else Side.SHORT,
        price=Decimal(60_000 + number % 977) / 8,
        price_kind=PriceKind.BANKRUPTCY,
        quantity=Decimal("0.001"),
        value_usd=Decimal("0.000000000001") + number,
        timestamp_ms=STARTED_AT_MS + number * 250,
        received_at_ms=STARTED_AT_MS + number * 250 + 40,
        completeness=Completeness.COMPLETE,
        evidence=Evidence.REPORTED,
        is_institutional=number % 7 == 0,
        price_level=Decimal(number % 9 * 100),
        source=Source("raw.okx", 1, number),
    )


def rejection(number: int) -> Rejected:
    return Rejected(
        reason=RejectReason.NOT_JSON,
        detail="not JSON",
        exchange="okx",
        feed="orders",
        received_at_ms=STARTED_AT_MS,
        payload=b"\xff",
        source=Source("raw.okx", 0, number),
    )


def feed_status(number: int) -> FeedStatus:
    return FeedStatus(
        exchange="okx",
        feed="orders",
        connection=f"c{number}",
        event=FeedEvent.GAP,
        timestamp_ms=STARTED_AT_MS + number,
        from_ms=STARTED_AT_MS,
        to_ms=STARTED_AT_MS + number,
    )


def instrument(number: int) -> Instrument:
    """Eleven contracts, of which each publication says something newer."""
    return Instrument(
        exchange="okx",
        native_symbol=f"A{number % 11}-USDT",
        base=f"A{number % 11}",
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        contract_size=Decimal(number + 1),
        as_of="2026-07-08",
    )


def alert(number: int) -> CascadeAlert:
    """Each cascade has seven alerts."""
    return CascadeAlert(
        alert_id=f"alert-{number}",
        cascade_id=f"cascade-{number // 280}",
        sequence=number // 40 % 7,
        type=AlertType.ESCALATED,
        scope=Scope.ASSET,
        asset=f"A{number // 280 % 17}",
        side=Side.LONG,
        started_at_ms=STARTED_AT_MS,
        timestamp_ms=STARTED_AT_MS + number,
        event_count=number,
        total_value_usd=Decimal("1234567.89"),
        long_ratio=0.75,
        exchanges=("binance", "okx"),
        symbols=("BTCUSDT",),
        risk_score=61.5,
        score_parts=ScoreParts(0.1, 0.2, 0.3, 0.4, 0.5),
        basic_risk_score=50.0,
        price_first=Decimal("61000.5"),
        price_last=Decimal(60000),
        largest_event_ids=("a", "b"),
        detector="test",
    )
