"""Topics made again or truncated, offsets that are reset, states that are lost."""

import pytest

from tests.faults.conftest import Run, loops, now_ms
from tests.faults.pipeline import Role
from tests.support.topic_operations import Target

ROUNDS = loops(3)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 120 * ROUNDS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]

SHORT = pytest.mark.short_form


def topic_of(run: Run, name: str) -> str:
    topics = run.pipeline.settings.topics
    return topics.raw("bitget") if name == "raw" else f"{topics.namespace}.{name}"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("events", marks=SHORT),
        "raw",
        pytest.param("pulse", marks=SHORT),
        "detector-state",
        "market-state",
    ],
)
def test_a_topic_that_is_deleted_and_made_again(run: Run, name: str) -> None:
    for _ in range(ROUNDS):
        fault_ms = now_ms()
        run.operations.remake(topic_of(run, name))
        run.recover(fault_ms)
        # A take-over reads what was stored of the new log.
        fault_ms = now_ms()
        run.pipeline.kill(run.pipeline.of(Role.DETECT)[0])
        run.recover(fault_ms)
    run.end(f"{name} topic deleted and made again", ROUNDS)


@pytest.mark.parametrize("name", [pytest.param("events", marks=SHORT), "raw", "pulse"])
def test_a_truncated_topic(run: Run, name: str) -> None:
    for _ in range(ROUNDS):
        fault_ms = now_ms()
        run.operations.truncate(topic_of(run, name))
        run.recover(fault_ms)
        fault_ms = now_ms()
        run.pipeline.kill(run.pipeline.of(Role.DETECT)[0])
        run.recover(fault_ms)
    run.end(f"{name} topic truncated", ROUNDS)


@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize("role", [Role.NORMALIZE, Role.DETECT, Role.SINK])
def test_offsets_that_an_operator_resets(run: Run, role: Role, target: Target) -> None:
    for _ in range(ROUNDS):
        run.operations.reset(role, target)
        run.recover(now_ms())
    run.end(f"offsets of {role} reset: {target}", ROUNDS)


@SHORT
def test_offsets_of_every_group_reset_in_turn(run: Run) -> None:
    for _ in range(ROUNDS):
        for role, target in (
            (Role.NORMALIZE, Target.BEGINNING),
            (Role.DETECT, Target.MIDDLE),
            (Role.SINK, Target.TIME),
        ):
            run.operations.reset(role, target)
        run.recover(now_ms())
    run.end("offsets of every group reset in turn", ROUNDS)


@SHORT
def test_unreadable_states_are_rebuilt(run: Run) -> None:
    for _ in range(ROUNDS):
        fault_ms = now_ms()
        run.operations.lose_states()
        run.recover(fault_ms)
    run.end("all stored states unreadable", ROUNDS)
