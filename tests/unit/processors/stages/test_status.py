"""What a detection status says of what is known."""

from typing import Any

from liq.processors.stages.status import MarketView, PartitionProgress, detection_status
from liq.schemas.records import DetectionStatus

CLOCK = 1_783_000_000
NOW_MS = CLOCK * 1_000 + 7_500


def status(view: MarketView, progress: dict[int, PartitionProgress] | None = None) -> Any:
    found = detection_status(
        view, progress or {}, detector="d", worker="w", now_ms=NOW_MS, assigned_count=1
    )
    assert isinstance(found, DetectionStatus)
    return found


def test_the_slowest_partition_counts() -> None:
    view = MarketView({0: CLOCK, 1: CLOCK - 20, 2: CLOCK - 5}, decided=CLOCK - 20)
    progress = {number: PartitionProgress(number * 10) for number in range(3)}
    found = status(view, progress)
    assert found.slowest_partition == 1
    assert found.assets_decided_until_ms == found.market_decided_until_ms == (CLOCK - 20) * 1_000
    assert (found.behind_ms, found.behind_records) == (27_500, 10)
    assert (found.partition_count, found.assigned_count) == (3, 1)


def test_among_equal_clocks_the_most_records_count() -> None:
    view = MarketView({0: CLOCK, 1: CLOCK}, decided=CLOCK)
    found = status(view, {0: PartitionProgress(1), 1: PartitionProgress(900)})
    assert (found.slowest_partition, found.behind_records) == (1, 900)


def test_what_assets_have_committed_counts_before_the_market_has_heard_of_it() -> None:
    view = MarketView({0: CLOCK - 60, 1: CLOCK - 60}, decided=CLOCK - 60)
    progress = {
        0: PartitionProgress(0, clock_ms=CLOCK * 1_000),
        1: PartitionProgress(4, clock_ms=(CLOCK - 10) * 1_000),
    }
    found = status(view, progress)
    assert found.assets_decided_until_ms == (CLOCK - 10) * 1_000
    assert found.market_decided_until_ms == (CLOCK - 60) * 1_000
    assert found.behind_ms == 67_500


def test_without_an_answer_of_the_brokers_the_rest_is_said() -> None:
    found = status(MarketView({0: CLOCK}, decided=CLOCK))
    assert found.behind_records is None
    assert found.behind_ms == 7_500


def test_before_the_first_record_nothing_is_said_to_be_decided() -> None:
    found = status(MarketView({0: 0, 1: CLOCK}, decided=0), {0: PartitionProgress(3)})
    assert (found.assets_decided_until_ms, found.market_decided_until_ms) == (None, None)
    assert found.behind_ms is None
    assert (found.slowest_partition, found.behind_records) == (0, 3)


def test_a_log_that_is_ahead_of_the_worker_is_not_behind() -> None:
    assert status(MarketView({0: CLOCK + 60}, decided=CLOCK + 60)).behind_ms == 0


def test_the_waiting_partitions_are_named_within_a_bound() -> None:
    view = MarketView(dict.fromkeys(range(40), CLOCK), CLOCK, waiting=tuple(range(3, 40)))
    assert status(view).waiting_partitions == tuple(range(3, 19))
