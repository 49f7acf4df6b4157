"""A thread that publishes to Kafka until its test stops it."""

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Any, Self

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings


class TrafficThread(ABC):
    """A thread that publishes with its own producer from `start` to `stop`, or within `with`."""

    def __init__(self, settings: Settings, **producer_options: Any) -> None:
        self._settings = settings
        self._producer_options = producer_options
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop publishing, and wait until all sent records are acknowledged."""
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        producer = new_producer(self._settings, "traffic", **self._producer_options)
        await producer.start()
        try:
            await self._publish_until_stopped(producer)
        finally:
            await producer.stop()

    @abstractmethod
    async def _publish_until_stopped(self, producer: Any) -> None:
        """Publish until `_stop` is set."""
