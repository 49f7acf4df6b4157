"""`liq dev` keeps the whole engine up, says where it is, and ends all of it."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.stack import liq_command
from tests.support.paths import CAPTURES
from tests.support.process_table import processes_of

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]
CAPTURE = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
WaitUntil = Callable[..., None]
START_SECONDS = 150.0  # five processes one after the other, on a machine that does other work


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_dev_runs_everything_and_ends_it(
    tmp_path: Path, wait_until: WaitUntil, number: signal.Signals
) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        dev = subprocess.Popen(
            liq_command("dev"),
            cwd=tmp_path,
            env={**os.environ, "EMBEDDED_KAFKA_PORT": "0", "EMBEDDED_CLICKHOUSE_PORT": "0"}
            | {"WEB_PORT": str(free_port())},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: "Ctrl-C ends everything" in said.read_text() or dev.poll() is not None,
            seconds=START_SECONDS,
        )
        text = said.read_text()
        metrics = re.findall(r"http://\S+/metrics", text)
        assert len(metrics) == 5, text
        assert all(answers_http(address) for address in metrics)
        environment = (tmp_path / ".liq" / "stack.env").read_text()
        assert "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:" in environment
        assert "CLICKHOUSE_URL=http://127.0.0.1:" in environment
    finally:
        dev.send_signal(number)
        assert dev.wait(60) == 0
    assert processes_of(tmp_path) == []
    assert not (tmp_path / ".liq" / "stack.env").exists()


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            liq_command("dev", "--play", "--capture", str(CAPTURE)),
            cwd=tmp_path,
            env={**os.environ, "EMBEDDED_KAFKA_PORT": port, "EMBEDDED_CLICKHOUSE_PORT": "0"},
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
    assert ended.returncode == 78
    assert f"Port {port} on {LOOPBACK} is taken" in " ".join(ended.stderr.split())
    assert "EMBEDDED_KAFKA_PORT" in ended.stderr
    assert "starting" not in ended.stderr


@pytest.mark.slow
def test_a_recording_plays_with_its_past_at_once(tmp_path: Path, wait_until: WaitUntil) -> None:
    said, page = tmp_path / "said", f"http://{LOOPBACK}:{free_port()}"
    environment = {"EMBEDDED_KAFKA_PORT": "0", "EMBEDDED_CLICKHOUSE_PORT": "0"}
    with said.open("wb") as output:
        dev = subprocess.Popen(
            liq_command("dev", "--play", "--capture", str(CAPTURE), "--since", "2026-07-10T01:40"),
            cwd=tmp_path,
            env={**os.environ, **environment, "WEB_PORT": page.rpartition(":")[2]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def ended_cascades() -> int:
        with urlopen(f"{page}/api/v1/cascades") as answer:
            return len(json.load(answer)["ended"])

    try:
        wait_until(
            lambda: f"The page: {page}" in said.read_text() or dev.poll() is not None,
            seconds=START_SECONDS,
        )
        assert "starting liq serve" in said.read_text()
        # Those of the recording's past; the morning's first one comes half a minute later.
        wait_until(lambda: ended_cascades() >= 10, seconds=START_SECONDS)
    finally:
        dev.send_signal(signal.SIGINT)
        assert dev.wait(60) == 0
    assert processes_of(tmp_path) == []
