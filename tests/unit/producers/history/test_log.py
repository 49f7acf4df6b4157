"""Heartbeats of polled feeds: behind every unacknowledged frame, one at a time, and not in vain."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from liq.producers.history.log import Log
from liq.producers.history.registry import HISTORIES
from liq.runtime.settings import Settings
from liq.schemas.headers import (
    CONNECTION,
    HEARTBEAT_KEY,
    RECEIVED_AT_NS,
    blind_header,
    integer_header,
    text_header,
)

[ORDERLY] = [spec for spec in HISTORIES if spec.exchange == "orderly"]


class FakeProducer:
    """Keeps what is sent, and leaves the acknowledgement to the test."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, list[tuple[str, bytes]]]] = []
        self.acknowledgements: list[asyncio.Future[None]] = []

    async def send(
        self, topic: str, value: bytes | None, *, key: bytes, headers: Any
    ) -> "asyncio.Future[None]":
        assert (value is None) == (key == HEARTBEAT_KEY)
        self.sent.append((topic, value, headers))
        self.acknowledgements.append(asyncio.get_running_loop().create_future())
        return self.acknowledgements[-1]

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, headers: Any) -> None:
        await (await self.send(topic, value, key=key, headers=headers))

    def clocks(self) -> list[int | None]:
        """Return the clocks of the heartbeats."""
        return [
            integer_header(headers, RECEIVED_AT_NS)
            for _, value, headers in self.sent
            if value is None
        ]


Work = Callable[[Log, FakeProducer], Coroutine[Any, Any, None]]


def run(settings: Settings, work: Work) -> None:
    async def main() -> None:
        producer = FakeProducer()
        await work(Log(settings, producer), producer)

    asyncio.run(main())


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


def test_the_clock_stays_behind_an_unacknowledged_frame(settings: Settings) -> None:
    async def work(log: Log, producer: FakeProducer) -> None:
        publishing = asyncio.create_task(log.publish(ORDERLY, "liquidations", "", b"{}", 5))
        await asyncio.sleep(0)
        await log.heartbeat("orderly", (), 9)
        for each in producer.acknowledgements:
            each.set_result(None)
        await publishing
        await log.heartbeat("orderly", ("*",), 10)
        assert producer.clocks() == [5, 10]
        topic, value, headers = producer.sent[-1]
        assert (topic, value) == (settings.topics.raw("orderly"), None)
        assert blind_header(headers) == ("*",)
        assert text_header(headers, CONNECTION) == f"{settings.worker_slot}:backfill"

    run(settings, work)


def test_no_heartbeat_follows_an_unacknowledged_one(settings: Settings) -> None:
    async def work(log: Log, producer: FakeProducer) -> None:
        await log.heartbeat("orderly", (), 1)
        await log.heartbeat("orderly", (), 2)
        await log.heartbeat("coinex", (), 3)
        producer.acknowledgements[0].set_result(None)
        await log.heartbeat("orderly", (), 4)
        assert producer.clocks() == [1, 3, 4]

    run(settings, work)


def test_a_heartbeat_that_is_not_acknowledged_is_an_error(settings: Settings) -> None:
    async def work(log: Log, producer: FakeProducer) -> None:
        await log.heartbeat("orderly", (), 1)
        producer.acknowledgements[0].set_exception(KafkaTimeoutError())
        with pytest.raises(KafkaError):
            await log.heartbeat("orderly", (), 2)

    run(settings, work)
