"""Liquidations and alerts of the present, for a sink of the hot state that is killed meanwhile."""

import asyncio
import random
import time
from dataclasses import replace
from typing import Any, Final

from aiokafka.errors import KafkaError

from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import AlertType
from tests.support.sample_records import alert, liquidation
from tests.support.traffic_thread import TrafficThread

PIECE_EVENTS: Final = 20
PAUSE_SECONDS: Final = 0.02
RETRY_SECONDS: Final = 0.5
STEPS: Final = (AlertType.DETECTED, AlertType.ESCALATED, AlertType.UPDATED, AlertType.ENDED)
CASCADES: Final = 8


def present(number: int, time_ms: int) -> Liquidation:
    """Return an event at a time."""
    return replace(liquidation(number), timestamp_ms=time_ms, received_at_ms=time_ms + 1)


class HotTraffic(TrafficThread):
    """A thread that publishes events; one event in ten is repeated at another offset.

    `sent` has the values that Kafka has acknowledged, without repeats.
    """

    def __init__(self, settings: Settings, chance: random.Random) -> None:
        super().__init__(settings, linger_ms=0)
        self._chance = chance
        self.sent: list[bytes] = []
        self.repeated = 0
        self._events: list[bytes] = []
        self._steps = 0

    async def _publish_until_stopped(self, producer: Any) -> None:
        while not self._stop.is_set():
            await self._piece(producer)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _piece(self, producer: Any) -> None:
        topics, now_ms = self._settings.topics, int(time.time() * 1000)
        first = len(self._events)
        events = [encode(present(first + each, now_ms)) for each in range(PIECE_EVENTS)]
        self._events += events
        repeats = self._chance.choices(self._events, k=PIECE_EVENTS // 10)
        for value in (*events, *repeats):
            await self._send(producer, topics.events, value, b"%d" % self._chance.randrange(99))
        life, cascade = divmod(self._steps, CASCADES)
        step = replace(
            alert(),
            alert_id=f"alert-{self._steps}",
            cascade_id=f"cascade-{life // len(STEPS)}-{cascade}",
            type=STEPS[life % len(STEPS)],
            sequence=life % len(STEPS),
            parent_id=None,
            timestamp_ms=now_ms,
        )
        self._steps += 1
        value = encode(step)
        for _ in range(1 + (self._steps % 10 == 0)):
            await self._send(producer, topics.cascades, value, step.cascade_id.encode())
        self.sent += [*events, value]
        self.repeated += len(repeats)

    async def _send(self, producer: Any, topic: str, value: bytes, key: bytes) -> None:
        while True:
            try:
                await producer.send_and_wait(topic, value, key=key)
            except KafkaError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
