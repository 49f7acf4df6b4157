"""Readers get every record once, whatever they miss and whichever server they come back to."""

import asyncio
import random
from collections.abc import Sequence

import orjson
import pytest

from liq.web.cursor import from_text
from liq.web.filters import Filters, parse_filters
from liq.web.following import Message, follow
from liq.web.records import Place, Stream, StreamRecord
from liq.web.window import TooOldError, Window
from tests.support.web_records import liquidation, numbered, record

PARTITIONS = 3
STREAMS = {Stream.LIQUIDATIONS, Stream.CASCADES}
ALL = Filters()


def new_window(max_bytes: int = 10**9) -> Window:
    window = Window(max_bytes)
    for partition in range(PARTITIONS):
        window.begin(Place(Stream.LIQUIDATIONS, partition), 0)
    window.begin(Place(Stream.CASCADES, 0), 0)
    return window


def add(window: Window, records: Sequence[StreamRecord]) -> None:
    ends: dict[Place, int] = {}
    for each in records:
        ends[each.place] = max(ends.get(each.place, 0), each.offset + 1)
    window.add(records, ends)


def log(count: int) -> list[StreamRecord]:
    """Liquidations over all partitions, offsets from 0 in each."""
    return [numbered(number % PARTITIONS, number // PARTITIONS, number) for number in range(count)]


async def take(
    window: Window, count: int, position: str = "", filters: Filters = ALL
) -> list[Message]:
    """Return messages until so many records have come, or nothing more comes."""
    found: list[Message] = []
    cursor = from_text(position) if position else None
    messages = follow(window, STREAMS, filters, cursor)
    try:
        while sum(len(orjson.loads(message.data)) for message in found) < count:
            found.append(await asyncio.wait_for(anext(messages), 2))
    finally:
        await messages.aclose()
    return found


def ids(messages: Sequence[Message]) -> list[str]:
    return [each["event_id"] for message in messages for each in orjson.loads(message.data)]


START = "liquidations=0:0.1:0.2:0;cascades=0:0"


async def test_records_come_with_their_exact_bytes_and_in_order() -> None:
    window = new_window()
    add(window, log(10))
    messages = await take(window, 10, START)
    assert b"".join(message.data for message in messages) == b"[%s]" % b",".join(
        each.value for each in log(10)
    )


async def test_a_reader_without_a_position_gets_what_comes_from_now_on() -> None:
    window = new_window()
    add(window, log(4))
    messages = follow(window, STREAMS, ALL, None)
    following = asyncio.create_task(anext(messages))
    await asyncio.sleep(0)
    add(window, [numbered(0, 2, 100)])
    assert ids([await following]) == [f"{100:032x}"]


@pytest.mark.parametrize("seed", range(20))
async def test_reconnecting_loses_and_doubles_nothing_over_servers(seed: int) -> None:
    """Each reconnect meets another server, which has read the partitions in another order."""
    rng = random.Random(seed)  # noqa: S311 - an order, not a secret
    records = log(300)
    seen: list[str] = []
    position = START
    while len(seen) < len(records):
        window = new_window()
        queues = [
            [each for each in records if each.place.partition == number]
            for number in range(PARTITIONS)
        ]
        while any(queues):
            queue = rng.choice([each for each in queues if each])
            count = rng.randint(1, 7)
            add(window, queue[:count])
            del queue[:count]
        messages = await take(window, min(rng.randint(1, 90), len(records) - len(seen)), position)
        seen += ids(messages)
        position = messages[-1].position
    assert sorted(seen) == sorted(f"{number:032x}" for number in range(300))


async def test_a_reader_that_leaves_between_two_streams_of_a_batch_misses_nothing() -> None:
    window = new_window()
    messages = follow(window, STREAMS, ALL, from_text(START))
    first = asyncio.create_task(anext(messages))
    await asyncio.sleep(0)
    cascade = record(Stream.CASCADES, 0, 0, _alert())
    add(window, [numbered(0, 0, 1), cascade])
    position = (await first).position
    await messages.aclose()
    [again] = await take(window, 1, position)
    assert again.stream is Stream.CASCADES


async def test_filters_move_the_position_past_what_is_not_wanted() -> None:
    window = new_window()
    add(window, log(30))
    wanted = parse_filters({"asset": "A5"})
    messages = await take(window, 2, START, wanted)
    assert {each["base"] for message in messages for each in orjson.loads(message.data)} == {"A5"}


async def test_a_copy_of_an_earlier_record_is_not_passed_on() -> None:
    window = new_window()
    add(window, [numbered(0, 0, 7)])
    add(window, [numbered(0, 1, 7), numbered(0, 2, 8)])
    assert ids(await take(window, 2, START)) == [f"{7:032x}", f"{8:032x}"]


async def test_what_is_not_in_memory_any_more_is_said() -> None:
    window = new_window(max_bytes=20_000)
    for each in log(200):
        add(window, [each])
    with pytest.raises(TooOldError, match="in memory from"):
        await take(window, 1, START)


async def test_a_position_of_another_log_is_refused() -> None:
    window = new_window()
    with pytest.raises(TooOldError, match="has no position"):
        await take(window, 1, "liquidations=0:5.1:0.2:0;cascades=0:0")


async def test_a_slow_reader_is_told_and_costs_no_memory() -> None:
    window = new_window(max_bytes=20_000)
    messages = follow(window, STREAMS, ALL, None)
    first = asyncio.create_task(anext(messages))
    await asyncio.sleep(0)
    records = log(300)
    add(window, records[:1])
    await first
    for each in records[1:]:
        add(window, [each])
    with pytest.raises(TooOldError, match="too slow"):
        await anext(messages)
    assert window.size_bytes <= 20_000


async def test_readers_with_the_same_filters_share_the_bytes() -> None:
    window = new_window()
    readers = [follow(window, STREAMS, parse_filters({"min_usd": "0"}), None) for _ in range(5)]
    waiting = [asyncio.create_task(anext(reader)) for reader in readers]
    await asyncio.sleep(0)
    add(window, log(5))
    found = await asyncio.gather(*waiting)
    assert len({id(message.data) for message in found}) == 1


def _alert() -> bytes:
    document = orjson.loads(liquidation(1))
    return orjson.dumps({
        "alert_id": "a", "exchanges": ["okx"], "asset": "BTC", "side": "LONG",
        "total_value_usd": "1", "timestamp_ms": document["timestamp_ms"],
    })  # fmt: skip
