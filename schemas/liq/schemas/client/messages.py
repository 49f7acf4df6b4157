"""Alerts as messages to people, with the alerts of children folded into those of the market."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Self

from liq.schemas.client.reader import POLL_SECONDS, Reader, Received
from liq.schemas.folding import Folding, Message
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS

LEAST_SECONDS: Final = 0.01


class MessageReader:
    """An asynchronous iterator over messages; use it in an `async with` statement.

    Its arguments are those of `Reader`, without the record type. An alert of a single asset waits
    two seconds for its link to a market cascade. No commit covers a waiting alert.
    """

    def __init__(self, topic: str, **options: Any) -> None:
        self._reader = Reader(CascadeAlert, topic, **options)
        self._folding = Folding()
        self._waiting: dict[str, Received[CascadeAlert]] = {}
        self._newest: dict[int, Received[CascadeAlert]] = {}

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Commit, and disconnect."""
        await self._reader.__aexit__(*exception)

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Yield messages for ever."""
        while True:
            due_ms = self._folding.due_ms
            wait_seconds = POLL_SECONDS
            if due_ms is not None:
                wait_seconds = max(
                    LEAST_SECONDS, min(POLL_SECONDS, (due_ms - _now_ms()) / SECOND_MS)
                )
            messages = []
            for received in _by_time(await self._reader.poll(wait_seconds)):
                self._newest[received.partition] = received
                self._waiting[received.record.alert_id] = received
                messages += self._folding.add(_now_ms(), received.record)
                if not received.record.notify:
                    del self._waiting[received.record.alert_id]
            messages += self._folding.advance(_now_ms())
            for alert in self._folding.take_folded():
                self._waiting.pop(alert.alert_id, None)
            for message in messages:
                yield message
                self._waiting.pop(message.alert.alert_id, None)
            self._handle()
            await self._reader.commit_if_due()

    def _handle(self) -> None:
        """Mark the alerts of partitions without a waiting alert as handled, for the next commit."""
        blocked = {received.partition for received in self._waiting.values()}
        for partition, received in list(self._newest.items()):
            if partition not in blocked:
                self._reader.handle(received)
                del self._newest[partition]


def _by_time(records: Sequence[Received[CascadeAlert]]) -> list[Received[CascadeAlert]]:
    """Return records of several partitions by time, each partition in its own order."""
    newest: dict[int, int] = {}
    times = []
    for place, received in enumerate(records):
        time_ms = max(newest.get(received.partition, 0), received.published_ms)
        newest[received.partition] = time_ms
        times.append((time_ms, place))
    return [records[place] for _, place in sorted(times)]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
