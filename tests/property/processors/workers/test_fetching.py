"""Whatever a broker answers when, the merged reader returns every record once, in order."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from liq.processors.workers.merged_fetching import MergedReader
from tests.support.fetched_log import FetchedLog

TIMES = st.lists(st.integers(0, 60), max_size=15).map(sorted)


@given(
    times=st.lists(TIMES, min_size=1, max_size=4),
    later=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=10),
    chunk=st.integers(1, 4),
)
def test_old_records_are_in_order_even_while_the_log_grows(
    times: list[list[int]], later: list[tuple[int, int]], chunk: int
) -> None:
    log = FetchedLog(times, chunk)
    newest = max((each[-1] for each in times if each), default=0)

    async def read() -> list[tuple[int, int, int]]:
        nonlocal newest
        reader = MergedReader(log.fetch, lambda: True)
        consumer: Any = log
        found = []
        growth = iter(later)
        while True:
            batch = await reader.read(consumer, log.partitions, 0)
            found += [
                (int(record.headers[0][1]), record.partition, record.offset)
                for record in batch.records
            ]
            grown = next(growth, None)
            if grown is None and not batch.records:
                return found
            if grown is not None:
                # The log grows in the order of receipt, as producers write it.
                newest += grown[1]
                log.append(grown[0] % len(times), newest)

    found = asyncio.run(read())
    assert [at for at, _, _ in found] == sorted(at for at, _, _ in found)
    for partition in range(len(times)):
        offsets = [offset for _, at, offset in found if at == partition]
        assert offsets == list(range(len(offsets)))
    assert len(found) == sum(map(len, times)) + len(later)
