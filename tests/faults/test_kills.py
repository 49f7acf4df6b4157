"""SIGKILL of every kind of worker at random moments, and SIGTERM under load."""

import pytest

from tests.faults.conftest import Run, loops, now_ms
from tests.faults.pipeline import READY_SECONDS, STOP_SECONDS, Role

KILLS = loops(50)
STOPS = loops(5)
TURNS = loops(5)
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


@pytest.mark.short_form
def test_workers_of_every_kind_killed_in_turn_lose_and_double_nothing(run: Run) -> None:
    for _ in range(TURNS):
        for member in list(run.pipeline.members.values()):
            fault_ms = now_ms()
            run.pipeline.kill(member)
            run.recover(fault_ms)
    run.end("SIGKILL of each worker in turn", TURNS)


def test_a_stop_under_load_is_clean_and_repeats_nothing(run: Run) -> None:
    pipeline = run.pipeline
    for _ in range(STOPS):
        for name in list(pipeline.members):
            member = pipeline.members[name]
            fault_ms = now_ms()
            assert pipeline.stop(member) == {name: 0}
            assert now_ms() - fault_ms < STOP_SECONDS * 1000
            pipeline.start(member.role, member.slot)
            run.recover(fault_ms)
    verdict = run.end("SIGTERM of each worker under load", STOPS)
    assert verdict.redelivered == 0, verdict
