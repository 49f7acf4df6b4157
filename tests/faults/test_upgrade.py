"""Workers of two releases share their groups while the traffic flows, in both directions."""

from pathlib import Path

import pytest

from tests.faults.conftest import Run, loops, now_ms
from tests.faults.pipeline import Role
from tests.support.old_release import recent_release

SWAPS = loops(10)
#: The order of an upgrade.
ROLES = (Role.SINK, Role.DETECT, Role.NORMALIZE)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 180 * SWAPS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


def test_workers_of_two_releases_lose_and_change_nothing(run: Run, tmp_path: Path) -> None:
    """Each swap upgrades one worker of each kind and takes the other one back."""
    pipeline = run.pipeline
    older, ours = recent_release(tmp_path / "older"), dict[str, str]()
    fault_ms = now_ms()
    beside = [pipeline.start(role, "1", **older) for role in ROLES]
    pipeline.wait_until(lambda: all(map(pipeline.is_ready, beside)), 90)
    run.recover(fault_ms)
    releases = [ours, older]
    for _ in range(SWAPS):
        releases.reverse()
        fault_ms = now_ms()
        for role in ROLES:
            for slot, environment in enumerate(releases):
                (before,) = (each for each in pipeline.of(role) if each.slot == str(slot))
                assert set(pipeline.stop(before).values()) == {0}
                pipeline.start(role, str(slot), **environment)
        run.recover(fault_ms)
    run.end("workers of two releases in one group, swapped", SWAPS)
