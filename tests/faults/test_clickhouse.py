"""ClickHouse killed, frozen, read-only, and with a full disk, under a pipeline that goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, freeze, loops, now_ms, thaw
from tests.faults.small_disk import SmallDisk
from tests.support.clickhouse_server import Server

KILLS = loops(10)
FROZEN_SECONDS = max(5, loops(60))
DISK_MIB = 96
READ_ONLY = 164

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(600 + 30 * KILLS),
    pytest.mark.usefixtures("broker"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "clickhouse")
    yield running
    running.stop()


@pytest.fixture
def run(start_run: StartRun, make_settings: MakeSettings, server: Server) -> Run:
    return start_run(make_settings(clickhouse_url=server.url))


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


def test_a_read_only_clickhouse(run: Run, server: Server) -> None:
    server.order(kind="exception", argument=READ_ONLY, times=1_000_000)
    run.pipeline.wait_until(lambda: server.hits() > 1, 60)
    server.lift()
    run.recover(now_ms())
    run.end("ClickHouse read-only for a time")


def test_a_clickhouse_with_a_full_disk(
    tmp_path: Path, start_run: StartRun, make_settings: MakeSettings
) -> None:
    with SmallDisk(tmp_path / "disk", DISK_MIB) as disk:
        server = Server(disk.path / "clickhouse")
        try:
            run = start_run(make_settings(clickhouse_url=server.url))
            disk.fill()
            run.pipeline.pause(10)
            disk.relieve()
            run.recover(now_ms())
            run.end("disk of ClickHouse full for 10 s")
        finally:
            server.stop()
