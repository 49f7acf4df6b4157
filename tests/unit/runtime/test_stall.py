"""When a worker that has lag is stalled, and when it is ready again."""

import pytest

from liq.runtime.health import Health
from liq.runtime.metrics import STALLED
from liq.runtime.stall import CONDITION, STALLED_SECONDS, ProgressReport, StallRule


@pytest.mark.parametrize(
    ("notes", "seconds"),
    [
        ([(0, 5, 10), (59, 5, 10)], 59),
        ([(0, 5, 10), (59, 5, 10), (60, 7, 10)], 60),
        ([(0, 5, 10), (59, 5, 11), (60, 5, 11)], 1),
        ([(0, 5, 10), (59, 0, 10), (60, 5, 10)], 0),
        ([(0, 0, 0), (600, 0, 0)], 0),
        ([(0, 0, 0), (600, 3, 0), (630, 3, 0)], 30),
        ([(0, 5, 10), (100, 5, 10), (101, 5, 12)], 0),
    ],
    ids=["lag", "more lag", "handled", "caught up", "idle", "lag after idleness", "recovered"],
)
def test_time_counts_with_lag_and_without_handled_records(
    notes: list[tuple[int, int, int]], seconds: float
) -> None:
    rule = StallRule()
    for now, lag, handled in notes:
        found = rule.note(now, lag=lag, handled=handled)
    assert found == seconds


def test_a_stalled_worker_says_so_and_recovers_by_itself() -> None:
    health, now = Health(), 0.0
    report = ProgressReport(health, "raw topics", lambda: now)
    report.note(12, 3)
    assert health.ready
    now = STALLED_SECONDS
    report.note(12, 3)
    assert not health.ready
    assert health.alive
    assert health.conditions[CONDITION].reason == (
        "12 records of raw topics wait, and none was handled for 60 s"
    )
    assert STALLED._value.get() == STALLED_SECONDS
    report.note(11, 4)
    assert health.ready
    assert STALLED._value.get() == 0
