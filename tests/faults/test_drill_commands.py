"""Drills of one cluster, by the commands of docs/drills.md as written there, under traffic."""

from pathlib import Path

import pytest

from liq.devstack.supervisor import Supervisor
from tests.faults.conftest import Run, now_ms
from tests.faults.drill_commands import Drill, blocks

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
