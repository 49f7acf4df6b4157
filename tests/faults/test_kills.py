"""SIGKILL of every kind of worker at random moments, and SIGTERM under load."""

import pytest

from tests.faults.conftest import Run, loops, now_ms
from tests.faults.pipeline import READY_SECONDS, Role

KILLS = loops(50)
# A recovery is measured after every tenth kill; between those, kills may come at any moment of a
# worker's life, its start included.
MEASURED = 10

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 20 * KILLS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]

NAMES = {
    Role.PRODUCE: "SIGKILL of the producer",
    Role.NORMALIZE: "SIGKILL of the normalizing worker",
    Role.DETECT: "SIGKILL of the detecting worker",
    Role.SINK: "SIGKILL of the sink",
}


@pytest.mark.parametrize("role", Role)
def test_killed_workers_lose_and_double_nothing(run: Run, role: Role) -> None:
    pipeline = run.pipeline
    [victim] = [member for member in pipeline.members.values() if member.role is role]
    for count in range(KILLS):
        fault_ms = now_ms()
        pipeline.kill(victim)
        if count % MEASURED == 0 or count == KILLS - 1:
            run.recover(fault_ms)
        elif run.chance.random() < 0.7:
            pipeline.wait_until(lambda: pipeline.is_ready(victim), READY_SECONDS)
        pipeline.pause(run.chance.uniform(0, 1.5))
    assert victim.starts >= KILLS
    run.recover(now_ms())
    run.end(NAMES[role], KILLS)
