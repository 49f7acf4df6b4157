"""Workers that come and go, and one that was thought dead and comes back."""

import signal
from contextlib import closing

import pytest

from tests.faults.conftest import Run, freeze, loops, now_ms, thaw
from tests.faults.newest import Newest
from tests.faults.pipeline import Member, Role

STORMS = loops(20)
OTHERS = ("1", "2", "3")
# Twice the session: the group has given the partitions away long before.
FROZEN_SECONDS = 30

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 60 * STORMS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


@pytest.mark.parametrize("role", [Role.NORMALIZE, Role.DETECT])
def test_a_rebalance_storm_loses_nothing_and_does_not_stand_still(run: Run, role: Role) -> None:
    """From one worker to four and back, again and again, while records come out at the end."""
    pipeline = run.pipeline
    with closing(Newest(pipeline.settings)) as newest:
        for _ in range(STORMS):
            before_ms = newest.event_ms
            others = [pipeline.start(role, slot) for slot in OTHERS]
            pipeline.wait_until(lambda: all(map(pipeline.is_ready, others)), 90)  # noqa: B023 - at once
            fault_ms = now_ms()
            codes = pipeline.stop(*others)
            assert set(codes.values()) == {0}
            run.recover(fault_ms)
            assert newest.event_ms > before_ms
    run.end(f"rebalance storm 1-4-1, {role}", STORMS)


@pytest.mark.parametrize(
    "role", [Role.NORMALIZE, pytest.param(Role.DETECT, marks=pytest.mark.short_form), Role.SINK]
)
def test_a_zombie_undoes_nothing(run: Run, role: Role) -> None:
    """A worker is frozen until another has its partitions, and works on when it is thawed."""
    pipeline = run.pipeline
    [zombie] = [member for member in pipeline.members.values() if member.role is role]
    fault_ms = now_ms()
    freeze(pipeline.process_id(zombie))
    heir: Member = pipeline.start(role, "heir")
    try:
        run.recover(fault_ms)
        pipeline.pause(max(0, FROZEN_SECONDS - run.recoveries[-1]))
    finally:
        thaw(pipeline.process_id(zombie))
    pipeline.pause(5)
    pipeline.wait_until(lambda: pipeline.is_ready(heir) and pipeline.is_ready(zombie), 60)
    pipeline.signal(heir, signal.SIGKILL)
    run.recover(now_ms())
    run.end(f"{role} frozen for {FROZEN_SECONDS} s, then thawed")
