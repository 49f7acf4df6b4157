"""`liq dev` keeps the whole engine up, says where it is, and ends all of it."""

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from liq.devstack.probe import answers_http
from liq.devstack.stack import liq_command
from tests.support.process_table import processes_of

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]
WaitUntil = Callable[..., None]
START_SECONDS = 90.0  # five processes one after the other, on a machine that does other work


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_dev_runs_everything_and_ends_it(
    tmp_path: Path, wait_until: WaitUntil, number: signal.Signals
) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        dev = subprocess.Popen(
            liq_command("dev"),
            cwd=tmp_path,
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
        assert len(metrics) == 4, text
        assert all(answers_http(address) for address in metrics)
        environment = (tmp_path / ".liq" / "stack.env").read_text()
        assert "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:" in environment
        assert "CLICKHOUSE_URL=http://127.0.0.1:" in environment
    finally:
        dev.send_signal(number)
        assert dev.wait(60) == 0
    assert processes_of(tmp_path) == []
    assert not (tmp_path / ".liq" / "stack.env").exists()
