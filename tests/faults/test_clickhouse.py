"""ClickHouse killed, frozen, read-only, and with a full disk, under a pipeline that goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, freeze, loops, now_ms, thaw
from tests.faults.pipeline import Role
from tests.faults.small_disk import SmallDisk
from tests.support.clickhouse_server import Server, needs_server

KILLS = loops(10)
FROZEN_SECONDS = max(5, loops(60))
DISK_MIB = 160
# Not enough space before writing, cannot write while writing.
NO_SPACE_CODES = (243, 75, 1001)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    needs_server,
    pytest.mark.timeout(600 + 30 * KILLS),
    pytest.mark.usefixtures("broker"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "clickhouse") as running:
        yield running


@pytest.fixture
def run(start_run: StartRun, make_settings: MakeSettings, server: Server) -> Run:
    return start_run(make_settings(**server.settings))


@pytest.mark.short_form
def test_a_killed_clickhouse(run: Run, server: Server) -> None:
    for _ in range(KILLS):
        fault_ms = now_ms()
        server.kill()
        run.recover(fault_ms)
        run.pipeline.pause(run.chance.uniform(0, 2))
    run.end("ClickHouse killed", KILLS)


def test_a_frozen_clickhouse(run: Run, server: Server) -> None:
    freeze(server.process_id)
    try:
        run.pipeline.pause(FROZEN_SECONDS)
    finally:
        thaw(server.process_id)
    run.recover(now_ms())
    run.end(f"ClickHouse frozen for {FROZEN_SECONDS} s")


@pytest.mark.parametrize(
    ("name", "settings", "code"),
    [
        ("read-only", {"readonly": "2"}, 164),
        ("without memory", {"max_memory_usage": "1", "max_untracked_memory": "0"}, 241),
    ],
)
def test_a_clickhouse_that_its_operator_restricts(
    run: Run, server: Server, name: str, settings: dict[str, str], code: int
) -> None:
    with server.restarted(**settings):
        run.pipeline.wait_until(lambda: f"code: {code}" in run.pipeline.log_of(Role.SINK), 60)
    run.recover(now_ms())
    run.end(f"ClickHouse {name} for a time, restarted before and after")


def test_a_clickhouse_with_a_full_disk(
    tmp_path: Path, start_run: StartRun, make_settings: MakeSettings
) -> None:
    with (
        SmallDisk(tmp_path / "disk", DISK_MIB) as disk,
        Server(disk.path / "clickhouse") as server,
    ):
        run = start_run(make_settings(**server.settings))
        disk.fill()
        run.pipeline.wait_until(
            lambda: any(
                f"code: {code}" in run.pipeline.log_of(Role.SINK) for code in NO_SPACE_CODES
            ),
            60,
        )
        disk.relieve()
        run.recover(now_ms())
        run.end("disk of ClickHouse full until it refuses inserts")
