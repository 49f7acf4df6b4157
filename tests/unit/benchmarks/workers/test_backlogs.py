"""Backlogs for the stages."""

from collections import Counter

from benchmarks.workers.backlogs import Logs

PARTITIONS = 3


def test_a_raw_backlog_says_how_many_events_it_gives() -> None:
    backlog = Logs(partitions=PARTITIONS).normalize(30, 120)
    frames = [record for records in backlog.measured.log.values() for record in records]
    assert len(frames) == 120
    assert backlog.measured.count == backlog.measured.outputs > 120
    assert {topic for topic, _ in backlog.measured.log} == {"raw.binance", "raw.bybit", "raw.okx"}


def test_a_detect_backlog_ends_all_that_it_starts() -> None:
    part = Logs(partitions=PARTITIONS).detect(1_200, 1_200).measured
    records = [record for found in part.log.values() for record in found]
    values = Counter(record.value is None for record in records)
    assert values[False] == part.count
    assert values[True] % PARTITIONS == 0
    # Every cascade gives at least its start and its end.
    assert part.outputs >= 2
    assert all(found[-1].value is None for found in part.log.values())
