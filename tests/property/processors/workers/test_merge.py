"""However fetches are cut, the merge gives every record once and never out of order."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from liq.processors.workers.merge import MergeBuffer

LOGS = st.lists(st.lists(st.integers(0, 50), max_size=20).map(sorted), min_size=1, max_size=4)


@given(logs=LOGS, cuts=st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_any_fetch_pattern_gives_one_global_order(logs: list[list[int]], cuts: list[int]) -> None:
    merge: MergeBuffer[int, tuple[int, int, int]] = MergeBuffer(lambda record: record[0])
    position = [0] * len(logs)
    released: list[tuple[int, int, int]] = []
    turn = 0
    while any(place < len(log) for place, log in zip(position, logs, strict=True)):
        partition = turn % len(logs)
        size = cuts[turn % len(cuts)]
        start, end = position[partition], position[partition] + size
        fetched = [
            (time, partition, offset)
            for offset, time in enumerate(logs[partition][start:end], start=start)
        ]
        merge.add(partition, fetched)
        position[partition] += len(fetched)
        behind = [index for index, log in enumerate(logs) if position[index] < len(log)]
        if all(merge.held(each) for each in behind):
            barrier = merge.barrier(behind)
            until = sys.maxsize if barrier is None else barrier[0]
            released.extend(record for _, record in merge.release(until))
        turn += 1
    released.extend(record for _, record in merge.release(sys.maxsize))

    assert [time for time, _, _ in released] == sorted(time for log in logs for time in log)
    for index, log in enumerate(logs):
        offsets = [offset for _, partition, offset in released if partition == index]
        assert offsets == list(range(len(log)))
