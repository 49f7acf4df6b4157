"""The process: credentials, starts that fail, clean ends, crashes, and the end of its parent."""

import base64
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from tests.support.clickhouse_child import ClickHouseChild, ClickHouseStartError

pytestmark = pytest.mark.integration

COMMAND = [sys.executable, "-m", "liq.devstack.clickhouse"]
TIMEOUT_S = 60


def test_a_password_is_asked_for(tmp_path: Path, ask_port: Callable[..., Any]) -> None:
    secret = "correct horse"
    with ClickHouseChild(
        tmp_path, options=["--password-env", "PASSWORD_HERE"], environment={"PASSWORD_HERE": secret}
    ) as server:
        port = server.port
        assert ask_port(port, method="GET", path="/ping").status == 200
        basic = base64.b64encode(f"default:{secret}".encode()).decode()
        for headers in (
            {"X-ClickHouse-User": "default", "X-ClickHouse-Key": secret},
            {"Authorization": f"Basic {basic}"},
        ):
            assert ask_port(port, "SELECT 1", headers=headers).body == b"1\n"
        for headers in ({}, {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "wrong"}):
            answer = ask_port(port, "SELECT 1", headers=headers)
            assert (answer.code, answer.status) == ("516", 403)
        with clickhouse_connect.get_client(host="127.0.0.1", port=port, password=secret) as client:
            assert client.command("SELECT 1") == 1
        with pytest.raises(DatabaseError) as refused:
            clickhouse_connect.get_client(host="127.0.0.1", port=port, password="wrong")
        assert refused.value.code == 516
        order = b'{"kind": "status"}'
        headers = {"X-ClickHouse-Key": secret}
        assert ask_port(port, order, path="/__fault", headers=headers).status == 404
        assert server.stop() == 0


def test_a_killed_server_reopens_with_every_acknowledged_insert(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    with ClickHouseChild(tmp_path) as server:
        client = clickhouse_connect.get_client(host="127.0.0.1", port=server.port)
        client.command("CREATE TABLE batches (batch UInt64, n UInt8) ENGINE = MergeTree ORDER BY n")

        def insert_without_end() -> None:
            for batch in range(1_000_000):
                rows = [[batch, n] for n in range(100)]
                client.insert("batches", rows, column_names=["batch", "n"])
                acknowledged.append(batch)

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(insert_without_end)
            while len(acknowledged) < 50:
                assert not writer.done()
            server.kill()
            with pytest.raises(OperationalError):
                writer.result(timeout=TIMEOUT_S)
        assert server.process.returncode == -signal.SIGKILL
    with ClickHouseChild(tmp_path) as server:
        client = clickhouse_connect.get_client(host="127.0.0.1", port=server.port)
        sql = "SELECT batch, count() FROM batches GROUP BY batch ORDER BY batch"
        rows: Any = client.query(sql).result_rows
        found: dict[int, int] = dict(rows)
        assert list(found)[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1  # the one under way may be stored too
        assert set(found.values()) == {100}
        assert server.stop() == 0


def test_a_stop_finishes_what_runs(tmp_path: Path, ask_port: Callable[..., Any]) -> None:
    with ClickHouseChild(tmp_path, options=["--allow-fault-injection"]) as server:
        idle = http.client.HTTPConnection("127.0.0.1", server.port)
        idle.connect()
        order = json.dumps({"kind": "slow", "match": "sleep", "argument": 0})
        assert ask_port(server.port, order, path="/__fault").status == 200
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(ask_port, server.port, "SELECT sleep(1), 'done'")
            while not json.loads(ask_port(server.port, method="GET", path="/__fault").body)[0][
                "hits"
            ]:
                pass
            assert server.stop() == 0
            assert slow.result(timeout=TIMEOUT_S).body == b"0\tdone\n"
        idle.close()


def test_starts_that_cannot_work_say_why(server: ClickHouseChild, tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "other"))
    everywhere = ("--host", "0.0.0.0")  # noqa: S104 - to see it refused
    for arguments, reason in (
        (("--port", str(server.port), *data), f"port {server.port} on 127.0.0.1 is taken"),
        (("--port", "99999", *data), "use 0 to 65535"),
        (("--port", "0", *everywhere, *data), "--allow-remote"),
        (("--port", "0", *everywhere, "--allow-remote", *data), "--password-env"),
        (("--port", "0", "--password-env", "NOT_SET_ANYWHERE", *data), "NOT_SET_ANYWHERE"),
        (("--port", "0", "--data-dir", server.about["data_dir"]), "another process using it?"),
    ):
        failed = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        assert (failed.returncode, failed.stdout) == (1, "")
        assert reason in failed.stderr


def test_a_missing_engine_is_named() -> None:
    without_engine = (
        "import sys; sys.modules['chdb'] = None\n"
        "from liq.devstack.clickhouse.__main__ import main; sys.exit(main())"
    )
    failed = subprocess.run(
        [sys.executable, "-c", without_engine], capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert "chdb is not installed; install liquidation-engine[devstack]" in failed.stderr


def test_a_child_that_cannot_start_is_an_error(server: ClickHouseChild, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        with pytest.raises(ClickHouseStartError, match="code 1"):
            ClickHouseChild(tmp_path / "data", port=server.port, log=log)
        log.seek(0)
        assert "is taken" in log.read()


def test_the_server_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed cannot tell its child anything."""
    parent_script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
        "print(child.stdout.readline(), end='', flush=True)\n"
        "child.wait()\n"
    )
    arguments = [*COMMAND, "--port", "0", "--data-dir", str(tmp_path), "--exit-with-parent"]
    with subprocess.Popen(
        [sys.executable, "-c", parent_script, *arguments], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = json.loads(parent.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            parent.kill()
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""  # the connection ends when the server does
    with ClickHouseChild(tmp_path) as again:  # and the directory is free
        assert again.stop() == 0


def test_the_server_outlives_the_thread_that_started_it(
    tmp_path: Path, ask_port: Callable[..., Any]
) -> None:
    """The kernel reports the end of that thread like the end of the parent."""
    started: list[ClickHouseChild] = []
    thread = threading.Thread(target=lambda: started.append(ClickHouseChild(tmp_path)))
    thread.start()
    thread.join(TIMEOUT_S)
    (server,) = started
    with server:
        assert ask_port(server.port, "SELECT sleep(1)").body == b"0\n"
        assert server.process.poll() is None
