"""`liq detect` of a log exported as detected gives what the detecting workers publish.

Each partition's log is out of order, has repeats, history and foreign records, as logs have after
crashes of normalizers and with other writers. Workers detect partition by partition; their market
detector reads what they say in any order.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liq.cli import detection_order
from liq.cli.detection_order import DetectionOrder, clock_line, first_line
from liq.cli.log_replay import LogReplay
from liq.processors.cascades import (
    DetectorConfig,
    MarketDetector,
    PartitionDetector,
    decode_observation,
)
from liq.schemas.codec import DecodeError, encode
from liq.schemas.headers import CLOCK_MS, blind_header, integer_header
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Arrival
from tests.property.processors.cascades.test_links import QUIET_MS, Said, log_of
from tests.support.cascade_events import START_MS, liquidation
from tests.support.examples import examples
from tests.support.partitioned_log import Entry, PartitionedLog

CONFIG = DetectorConfig()
END_MS = START_MS + 500_000 + QUIET_MS
FOREIGN = (b"", b"{", b"[1]", b'{"clock_ms":9999999999999}', b"\xff\n", b"null\nnull")


def written(chance: random.Random, event: Liquidation) -> Iterator[tuple[int, bytes]]:
    """The event as often as the log has it, each with its place in time; some with neighbours."""
    delay_ms = chance.choice((0, 0, 0, 0, 300, 2_000, 20_000))
    yield event.received_at_ms + delay_ms, encode(event)
    draw = chance.random()
    if draw < 0.1:
        later_ms = event.received_at_ms + chance.randrange(60_000)
        yield later_ms, orjson.dumps(orjson.loads(encode(event)), option=orjson.OPT_INDENT_2)
    elif draw < 0.13:
        late = replace(event, event_id=f"{event.event_id}-late", arrival=Arrival.BACKFILLED)
        yield event.received_at_ms, encode(replace(late, received_at_ms=END_MS * 2))
    elif draw < 0.15:
        absurd = replace(event, event_id=f"{event.event_id}-absurd", value_usd=Decimal("1e12"))
        yield event.received_at_ms, encode(absurd)
    elif draw < 0.17:
        yield event.received_at_ms, chance.choice(FOREIGN)


def logs_of(chance: random.Random, partitions: int) -> list[list[bytes | int]]:
    """Each partition's log: its assets' events, and heartbeats, in an order of its own."""
    placed: list[list[tuple[int, bytes | int]]] = [[] for _ in range(partitions)]
    for event in log_of(chance):
        placed[int(event.base[1:]) % partitions] += written(chance, event)
    logs: list[list[bytes | int]] = []
    for log in placed:
        times = range(START_MS, END_MS, chance.choice((1_000, 1_000, 7_000, 90_000)))
        log += [(time_ms + chance.choice((0, 0, 0, 3_000)), time_ms) for time_ms in times]
        log.sort(key=lambda entry: entry[0])
        logs.append([*(entry for _, entry in log), END_MS])
    return logs


def by_workers(chance: random.Random, log: PartitionedLog) -> set[bytes]:
    """What detectors of single partitions, and the market's, publish."""
    published: list[CascadeAlert] = []
    said: list[list[Said]] = []
    for records in log.records.values():
        detector = PartitionDetector(CONFIG)
        items: list[Said] = []
        for record in records:
            before_ms = detector.clock_ms
            if record.value is None:
                clock_ms = integer_header(record.headers, CLOCK_MS) or 0
                blind = blind_header(record.headers)
                made = detector.heartbeat(clock_ms, record.offset, blind)
            else:
                try:
                    view = decode_observation(record.value)
                except DecodeError:
                    continue
                made = detector.apply_view(view, record.offset)
            published += [item for item in made if isinstance(item, CascadeAlert)]
            items += [(before_ms, item) for item in made]
            items.append((detector.clock_ms, None))
        said.append(items)
    market = MarketDetector(CONFIG, range(len(said)))
    rest = [(source, iter(items)) for source, items in enumerate(said)]
    while rest:
        source, items_left = chosen = chance.choice(rest)
        for _ in range(chance.randint(1, 200)):
            clock_ms, item = next(items_left, (0, None))
            if clock_ms == 0:
                rest.remove(chosen)
                break
            if item is None:
                published += market.heartbeat(clock_ms, source)
            elif not isinstance(item, CascadeAlert) or item.type is not AlertType.WATCH:
                market.add(item, clock_ms, source)
    return {encode(alert) for alert in published}


def test_what_is_held_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the log is in one partition, ahead of a slow one, in large records."""
    monkeypatch.setattr(detection_order, "HELD_BYTES", 100_000)
    chance = random.Random(5)  # noqa: S311 - no secrets
    large = encode(replace(liquidation("a", 0), native_symbol="x" * 10_000))
    log = PartitionedLog(chance, [[large] * 400, [START_MS] * 400], largest_step=1)
    order = DetectionOrder(log, log.ends)

    async def most_held() -> int:
        held = [order._merge.held_bytes async for _ in order.lines()]
        assert len(held) == 801
        return max(held)

    assert asyncio.run(most_held()) < 2 * 100_000


async def exported(log: PartitionedLog) -> list[bytes]:
    return [line async for line in DetectionOrder(log, log.ends).lines()]


def by_one_reader(lines: list[bytes]) -> list[bytes]:
    """What `liq detect` writes for the lines."""
    replay = LogReplay(CONFIG)
    return [encode(alert) for at, line in enumerate(lines) for alert in replay.apply(line, at)]


@settings(max_examples=examples(30))
@given(st.integers(0, 10**9), st.sampled_from((1, 2, 3, 7)))
def test_the_export_as_detected_gives_the_records_of_the_workers(
    seed: int, partitions: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    log = PartitionedLog(chance, logs_of(chance, partitions))
    lines = asyncio.run(exported(log))
    alerts = by_one_reader(lines)
    assert set(alerts) == by_workers(chance, log)
    assert len(set(alerts)) == len(alerts)


@settings(max_examples=examples(10))
@given(st.integers(0, 10**9), st.sampled_from((1, 2, 3)))
def test_the_export_as_detected_knows_what_was_blind(seed: int, partitions: int) -> None:
    """Every partition has every heartbeat, as normalizers write them; some are seconds late.

    A normalizer that lags writes into one partition before, and into another behind, what others
    wrote of the same seconds.
    """
    chance = random.Random(seed)  # noqa: S311 - no secrets
    placed: list[list[tuple[int, Entry]]] = [[] for _ in range(partitions)]
    for event in log_of(chance):
        place = int(event.base[1:]) % partitions
        placed[place].append((event.received_at_ms, encode(event)))
    for time_ms in range(START_MS, END_MS, 1_000):
        names = ("okx",) if 10 <= (time_ms - START_MS) // 1_000 % 60 < 45 else ()
        for log in placed:
            for late_ms in (1, chance.choice((300, 1_000, 4_000, 30_000))):
                named = chance.choice((names, names, ()))
                log.append((time_ms + late_ms, (time_ms, named)))
    logs = [[entry for _, entry in sorted(log, key=lambda each: each[0])] for log in placed]
    stored = PartitionedLog(chance, [[*log, END_MS] for log in logs])
    alerts = by_one_reader(asyncio.run(exported(stored)))
    assert set(alerts) == by_workers(chance, stored)
    assert {tuple(orjson.loads(alert)["blind"]) for alert in alerts} == {(), ("okx",)}


def test_links_are_among_the_compared_records() -> None:
    chance = random.Random(3)  # noqa: S311 - no secrets
    log = PartitionedLog(chance, logs_of(chance, 3))
    types = {orjson.loads(alert)["type"] for alert in by_one_reader(asyncio.run(exported(log)))}
    assert AlertType.LINKED in types


@given(
    logs=st.lists(
        st.lists(st.integers(START_MS, START_MS + 50), max_size=60), min_size=1, max_size=4
    ),
    step=st.integers(1, 9),
    seed=st.integers(0, 10**9),
)
def test_every_record_comes_once_by_the_clock_of_its_partition(
    logs: list[list[int]], step: int, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    log = PartitionedLog(chance, logs, step)
    lines = asyncio.run(exported(log))
    clocks = [clock for times in logs for clock in accumulate(times, max)]
    assert lines.pop(0) == first_line(range(len(logs)))
    assert sorted(lines) == sorted(
        clock_line(time_ms, partition=number)
        for number, times in enumerate(logs)
        for time_ms in times
    )
    reached = accumulate((int(orjson.loads(line)[CLOCK_MS]) for line in lines), max)
    assert list(reached) == sorted(clocks)
