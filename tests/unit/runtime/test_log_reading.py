"""Reading to an end: the position decides, and nothing waits for ever."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from liq.runtime.log_reading import read_to_ends

PLACE = TopicPartition("log", 0)


class Consumer:
    """A consumer of one partition; each fetch is the offsets that it gives and the new position."""

    def __init__(self, *fetches: tuple[list[int], int]) -> None:
        self._fetches = list(fetches)
        self._position = 0

    async def position(self, _: TopicPartition) -> int:
        return self._position

    def seek(self, _: TopicPartition, offset: int) -> None:
        self._position = offset

    async def getmany(self, *_: Any, **__: Any) -> Mapping[TopicPartition, list[Any]]:
        offsets: list[int] = []
        if self._fetches:
            offsets, self._position = self._fetches.pop(0)
        return {PLACE: [SimpleNamespace(offset=offset) for offset in offsets]}


async def read(consumer: Any, end: int, max_stall_seconds: float = 60) -> list[int]:
    return [
        record.offset
        async for record in read_to_ends(
            consumer, {PLACE: end}, max_stall_seconds=max_stall_seconds
        )
    ]


async def test_a_log_that_ends_in_markers_ends() -> None:
    # Offset 2 is the marker of a transaction, 3 to 5 are aborted records and their marker.
    assert await read(Consumer(([0, 1], 2), ([], 3), ([], 6)), 6) == [0, 1]


async def test_what_comes_after_the_end_is_left_for_whoever_reads_on() -> None:
    consumer = Consumer(([0, 1, 2, 3], 4))
    assert await read(consumer, 2) == [0, 1]
    assert await consumer.position(PLACE) == 2


async def test_an_empty_log_is_not_fetched_from() -> None:
    assert await read(Consumer(), 0) == []


async def test_a_log_that_never_reaches_its_end_is_given_up() -> None:
    with pytest.raises(KafkaTimeoutError, match="log-0"):
        await read(Consumer(([0], 1)), 5, max_stall_seconds=0.0)
