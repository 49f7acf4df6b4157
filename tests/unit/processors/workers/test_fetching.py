import time
from typing import Any

import pytest

from liq.processors.workers import fetching, merged_fetching
from liq.processors.workers.fetching import DirectReader
from liq.processors.workers.merged_fetching import (
    MISSING_SECONDS,
    PREFETCH_BACKOFF_SECONDS,
    MergedReader,
)
from liq.runtime.positions import unread
from liq.runtime.record_size import size_of
from liq.runtime.record_time import received_at_ns
from tests.support.fetched_log import START_NS, TOPIC, FetchedLog


def merged(log: FetchedLog, clock: Any = time.monotonic) -> MergedReader:
    return MergedReader(log.fetch, lambda: True, clock)


async def read_all(reader: Any, log: FetchedLog) -> list[tuple[int, int]]:
    """Partition and offset of everything, in the order of the batches."""
    found: list[tuple[int, int]] = []
    consumer: Any = log
    while (batch := await reader.read(consumer, log.partitions, 0)).records:
        found += [(record.partition, record.offset) for record in batch.records]
    return found


async def test_a_backlog_comes_out_in_the_order_of_receipt() -> None:
    log = FetchedLog([[10, 40, 50], [20, 30, 60], [], [35]])
    assert await read_all(merged(log), log) == [
        (0, 0),
        (1, 0),
        (1, 1),
        (3, 0),
        (0, 1),
        (0, 2),
        (1, 2),
    ]


async def test_an_old_record_that_an_answer_did_not_tell_of_yet_is_waited_for() -> None:
    log = FetchedLog([[10], [20]])
    reader = merged(log)
    assert await read_all(reader, log) == [(0, 0), (1, 0)]
    # Partition 0 was heard of before it had its second record.
    log.append(0, 30)
    log.append(1, 40)
    consumer: Any = log
    held = {(TOPIC, 1)}
    await reader._take(consumer, held, 0, 10)
    assert await read_all(reader, log) == [(0, 1), (1, 1)]


async def test_frames_of_just_now_are_returned_without_asking_for_ends() -> None:
    now_ns = time.time_ns()
    log = FetchedLog([[now_ns], [now_ns + 1], []])
    assert await read_all(merged(log), log) == [(0, 0), (1, 0)]
    assert log.asked_for_ends == 0


async def test_one_look_at_the_ends_clears_a_whole_backlog() -> None:
    log = FetchedLog([[*range(0, 4_000, 2)], [*range(1, 4_000, 2)], []], chunk=500)
    assert len(await read_all(merged(log), log)) == 4_000
    assert log.asked_for_ends <= 2


async def test_a_partition_that_is_not_served_holds_up_the_others_for_a_while_only() -> None:
    passed = [0.0]

    def clock() -> float:
        passed[0] += MISSING_SECONDS / 10
        return passed[0]

    log = FetchedLog([[10, 20], [15]])
    log.unserved = {(TOPIC, 1)}
    reader = merged(log, clock)
    assert await read_all(reader, log) == [(0, 0), (0, 1)]
    assert passed[0] >= MISSING_SECONDS
    log.unserved = set()
    assert await read_all(reader, log) == [(1, 0)]


async def test_the_consumer_fetches_past_unread_records_only_while_they_wait_for_others() -> None:
    log = FetchedLog([[10, 20, 30], [15]], chunk=1)
    reader = merged(log)
    consumer: Any = log
    await reader._clear(consumer, log.partitions, 0)
    assert log._fetcher._prefetch_backoff == 0
    await read_all(reader, log)
    assert log._fetcher._prefetch_backoff == PREFETCH_BACKOFF_SECONDS


async def test_what_was_held_of_a_partition_that_moved_is_read_again() -> None:
    log = FetchedLog([[10, 50], [20]], chunk=1)
    reader = merged(log)
    consumer: Any = log
    await reader._take(consumer, {(TOPIC, 0)}, 0, 10)
    assert reader.held((TOPIC, 0)) == 1
    log.seek(0, 0)
    assert await read_all(reader, log) == [(0, 0), (1, 0), (0, 1)]


async def test_what_was_held_before_a_rebalance_is_read_again_from_the_last_commit() -> None:
    log = FetchedLog([[10, 50], [20]], chunk=1)
    reader = merged(log)
    consumer: Any = log
    await reader._take(consumer, {(TOPIC, 0)}, 0, 10)
    log.reassign(1, 0)  # where the consumer was, so that its position does not tell
    assert await read_all(reader, log) == [(1, 0), (0, 1)]


async def test_a_batch_has_no_records_from_before_a_rebalance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "STEP_RECORDS", 1)
    log = FetchedLog([[10, 20, 30]], chunk=1)
    steps = 0

    async def fetch(partitions: Any, wait_seconds: float, limit: int) -> Any:
        nonlocal steps
        steps += 1
        if steps == 2:
            log.reassign(0)
        return await log.fetch(partitions, wait_seconds, limit)

    consumer: Any = log
    batch = await DirectReader(fetch).read(consumer, log.partitions, 0)
    assert [record.offset for record in batch.records] == [0, 1, 2]


async def test_offsets_to_commit_end_before_what_is_still_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merged_fetching, "BATCH_RECORDS", 2)
    log = FetchedLog([[10, 11, 12], [13]], chunk=3)
    reader = merged(log)
    consumer: Any = log
    first = await reader.read(consumer, log.partitions, 0)
    assert first.ends == {(TOPIC, 0): 2}
    assert reader.held((TOPIC, 0)) == 1
    second = await reader.read(consumer, log.partitions, 0)
    assert second.ends == {(TOPIC, 0): 3, (TOPIC, 1): 1}


@pytest.mark.parametrize("bound", [("BATCH_RECORDS", 3), ("BATCH_BYTES", 1)])
async def test_a_batch_is_bounded(bound: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fetching, merged_fetching):
        monkeypatch.setattr(module, *bound)
    log = FetchedLog([[*range(100)]])
    consumer: Any = log
    for reader in (DirectReader(log.fetch), merged(log)):
        batch = await reader.read(consumer, log.partitions, 0)
        assert 0 < len(batch.records) <= 4


async def test_one_record_at_a_time_is_fetched_once_much_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = FetchedLog([[10, 20, 30], [15, 25, 35]], chunk=5)
    reader = merged(log)
    consumer: Any = log
    await reader._clear(consumer, log.partitions, 0)
    assert reader.held((TOPIC, 0)) == 3
    monkeypatch.setattr(merged_fetching, "HELD_BYTES", 1)
    await reader._clear(consumer, log.partitions, 0)
    assert reader.held((TOPIC, 1)) == 1


async def test_what_is_held_of_many_partitions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    one = size_of(FetchedLog([[0]])._logs[TOPIC, 0][0])
    most_records, partitions = 40, 24
    monkeypatch.setattr(merged_fetching, "HELD_BYTES", most_records * one)
    monkeypatch.setattr(merged_fetching, "CLEARED_BYTES", most_records * one // 2)
    # Each partition is an hour of the log behind the one before.
    log = FetchedLog([[*range(hour * 100, hour * 100 + 100)] for hour in range(partitions)], 50)
    reader = merged(log)
    held: list[int] = []

    async def fetch(places: Any, wait_seconds: float, limit: int) -> Any:
        fetched = await log.fetch(places, wait_seconds, limit)
        held.append(sum(map(reader.held, log.partitions)) + sum(map(len, fetched.values())))
        return fetched

    reader._fetch = fetch
    assert len(await read_all(reader, log)) == partitions * 100
    assert max(held) <= most_records + partitions
    # A step of each partition is smaller where there are many, so that the bound is not reached.
    assert reader._step_records(partitions) == most_records * 3 // 4 // partitions
    monkeypatch.undo()
    assert reader._step_records(partitions) == fetching.STEP_RECORDS


async def test_open_transactions_are_not_waited_for_and_count_as_lag() -> None:
    log = FetchedLog([[10, 20]])
    reader = merged(log)
    state = log._states[TOPIC, 0]
    state.position, state.highwater, state.lso = 2, 5, 2
    consumer: Any = log
    assert reader._behind(consumer, log.partitions) == set()
    assert unread(consumer, (TOPIC, 0)) == 3
    state.lso = 4
    assert reader._behind(consumer, log.partitions) == {(TOPIC, 0)}
    # Aborted records and the marker move the position, and bring nothing.
    state.position, state.lso = 5, 5
    assert unread(consumer, (TOPIC, 0)) == 0


async def test_the_direct_reader_returns_what_there_is() -> None:
    log = FetchedLog([[10, 20, 30], [5]])
    batch = await DirectReader(log.fetch).read(log, log.partitions, 0)
    assert [received_at_ns(record) - START_NS for record in batch.records] == [10, 20, 30, 5]
    assert batch.ends == {(TOPIC, 0): 3, (TOPIC, 1): 1}


async def test_a_marker_of_a_transaction_drops_nothing_that_is_held() -> None:
    log = FetchedLog([[10, 50], [20]], chunk=1)
    reader = merged(log)
    consumer: Any = log
    await reader._take(consumer, {(TOPIC, 0)}, 0, 10)
    await reader._take(consumer, {(TOPIC, 0)}, 0, 10)
    # Offset 2 is a marker: the position moves past it, and no record comes.
    state = log._states[TOPIC, 0]
    state.highwater = 3

    async def past_the_marker(*_: Any) -> Any:
        state.position = 3
        return {}

    reader._fetch, fetch = past_the_marker, reader._fetch
    await reader._take(consumer, {(TOPIC, 0)}, 0, 10)
    reader._fetch = fetch
    assert await read_all(reader, log) == [(0, 0), (1, 0), (0, 1)]
    assert reader._end((TOPIC, 0)) == 3
