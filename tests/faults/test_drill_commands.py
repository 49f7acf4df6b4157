"""Drills of one cluster, by the commands of docs/drills.md as written there, under traffic."""

from pathlib import Path

import pytest

from liq.devstack.supervisor import Supervisor
from tests.faults.conftest import Run, now_ms
from tests.faults.drill_commands import Drill
from tests.support.drill_pages import blocks, command_lines

DRILLS = ("Reset offsets", "Load ClickHouse again from Kafka", "Grow partitions")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


def test_the_commands_of_drills_lose_and_double_nothing(run: Run, tmp_path: Path) -> None:
    with Supervisor(tmp_path / "tools") as supervisor:
        drill = Drill({"brokers": run.pipeline}, supervisor, tmp_path)
        for name in DRILLS:
            fault_ms = now_ms()
            for block in blocks(name):
                drill.perform(block)
            run.recover(fault_ms)
    run.end("drills by the commands of their page")


def test_the_commands_that_make_a_topic_again_lose_and_double_nothing(
    run: Run, tmp_path: Path
) -> None:
    lines = command_lines("Make a topic again")
    deletion = next(number for number, line in enumerate(lines) if " --delete " in line)
    with Supervisor(tmp_path / "tools") as supervisor:
        drill = Drill({"brokers": run.pipeline}, supervisor, tmp_path)
        fault_ms = now_ms()
        drill.perform("\n".join(lines[:deletion]))
        run.operations.note_deletion(run.pipeline.settings.topics.events)
        drill.perform("\n".join(lines[deletion:]))
        run.recover(fault_ms)
    run.end("a topic made again by the commands of its page")
