"""Events grow while traffic flows and workers are killed."""

import asyncio
import os
import signal
from contextlib import closing

import pytest

from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child
from liq.runtime.layout import Layout, Phase, read_layout
from liq.runtime.topics import describe_topics
from tests.conftest import MakeSettings, worker_environment
from tests.faults.conftest import Run, StartRun, loops, now_ms
from tests.faults.newest import Newest
from tests.faults.pipeline import Member, Role

GROWTHS = loops(2)
BEFORE = 4
STEP = 4
GROW_SECONDS = 200
DEPENDENCY_EXIT = 69

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 240 * GROWTHS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


def layout(run: Run) -> Layout | None:
    return asyncio.run(read_layout(run.pipeline.settings)).layout


def is_paused(run: Run) -> bool:
    found = layout(run)
    return found is not None and found.is_paused


def phase(run: Run) -> Phase | None:
    found = layout(run)
    return None if found is None else found.phase


def partitions(run: Run) -> int:
    """Over how many partitions events are spread; 0 while they grow."""
    found = layout(run)
    return found.partitions if found is not None and found.phase is Phase.STABLE else 0


def grow(run: Run, target: int) -> str:
    """Start the command; return its name."""
    name = f"grow-{target}-{now_ms()}"
    names = ",".join(exchange.dialect.exchange for exchange in run.pipeline.exchanges)
    run.pipeline.supervisor.start(
        Child(
            name=name,
            command=liq_command("topics", "grow", "--to", str(target)),
            environment={**worker_environment(run.pipeline.settings), "EXCHANGES": names},
            ends_by_itself=True,
        )
    )
    return name


def members(run: Run, *roles: Role) -> list[Member]:
    return [member for role in roles for member in run.pipeline.of(role)]


def kill(run: Run, victims: str, command: str, target: int) -> str:
    """Kill some of those that take part in a growth; return the command to wait for."""
    pipeline = run.pipeline
    if victims == "the command":
        pipeline.wait_until(lambda: layout(run) is not None, GROW_SECONDS)
        os.kill(pipeline.supervisor.process_id(command), signal.SIGKILL)
        pipeline.supervisor.stop(command)
        return grow(run, target)
    pipeline.wait_until(lambda: is_paused(run), GROW_SECONDS)
    if victims == "half of the workers":
        chosen = [each for each in members(run, Role.NORMALIZE, Role.DETECT) if each.slot == "0"]
    else:
        chosen = members(run, Role.NORMALIZE if victims == "both normalizers" else Role.DETECT)
    for member in chosen:
        pipeline.kill(member)
    if victims == "both detectors for good":
        for member in chosen:
            pipeline.supervisor.stop(member.name)
            del pipeline.members[member.name]
    return command


@pytest.mark.parametrize(
    "victims", ["half of the workers", "both normalizers", "both detectors", "the command"]
)
def test_growing_loses_and_changes_nothing_whoever_is_killed(
    start_run: StartRun, make_settings: MakeSettings, victims: str
) -> None:
    """Two workers of each kind that processes; the same kill in each growth."""
    run = start_run(make_settings(topic_partitions=BEFORE))
    pipeline = run.pipeline
    seconds = [pipeline.start(role, "1") for role in (Role.NORMALIZE, Role.DETECT)]
    pipeline.wait_until(lambda: all(map(pipeline.is_ready, seconds)), 90)
    for number in range(1, GROWTHS + 1):
        target = BEFORE + number * STEP
        fault_ms = now_ms()
        command = kill(run, victims, grow(run, target), target)
        pipeline.wait_until(lambda: partitions(run) == target, GROW_SECONDS)  # noqa: B023 - at once
        assert pipeline.supervisor.wait_for_end(command, GROW_SECONDS) == 0
        run.recover(fault_ms)
    run.end(f"events grow by {STEP} partitions, {victims} killed meanwhile", GROWTHS)
    states = asyncio.run(describe_topics(pipeline.settings, ()))
    found = {state.spec.name: state.partitions for state in states}
    assert found[pipeline.settings.topics.events] == BEFORE + GROWTHS * STEP


def test_a_pause_that_no_detector_carries_on_ends_by_itself(
    start_run: StartRun, make_settings: MakeSettings
) -> None:
    """Both detectors die in the pause and stay away: events flow again, over as many partitions."""
    run = start_run(make_settings(topic_partitions=BEFORE))
    pipeline = run.pipeline
    target = BEFORE + STEP
    fault_ms = now_ms()
    command = kill(run, "both detectors for good", grow(run, target), target)
    pipeline.wait_until(lambda: phase(run) in {Phase.STABLE, Phase.MOVING}, GROW_SECONDS)
    # What has begun to move cannot be taken back: there the pause lasts until a detector is back.
    is_refused = phase(run) is Phase.STABLE
    if is_refused:
        assert pipeline.supervisor.wait_for_end(command, GROW_SECONDS) == DEPENDENCY_EXIT
        assert partitions(run) == BEFORE
        event_ms = now_ms()
        with closing(Newest(pipeline.settings)) as newest:
            pipeline.wait_until(lambda: newest.event_ms > event_ms, GROW_SECONDS)
    detector = pipeline.start(Role.DETECT)
    pipeline.wait_until(lambda: pipeline.is_ready(detector), 90)
    run.recover(fault_ms if not is_refused else now_ms())
    if is_refused:
        command = grow(run, target)
    assert pipeline.supervisor.wait_for_end(command, GROW_SECONDS) == 0
    assert partitions(run) == target
    run.end("all detectors killed while events grow, and started after the pause")
