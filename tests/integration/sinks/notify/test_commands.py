"""The commands of notifications, and what the worker shows of its secrets."""

from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from liq.cli.main import app
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.supervisor import Supervisor
from tests.conftest import MakeSettings, RunWorker
from tests.support import notify_flow
from tests.support.notify_flow import Receivers, Traffic, write_rules
from tests.support.notify_rules import SECRET

pytestmark = pytest.mark.integration

TOKEN = "t0ken-in-the-path"
ARRIVE_SECONDS = 90


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["notify", *arguments])
    return result.exit_code, result.output


def rules_with(path: Path, url: str) -> str:
    path.write_text(
        "receivers:\n"
        f"  desk: {{webhook: {url}, secret: '${{SECRET}}', allow_internal: true}}\n"
        "rules:\n"
        "  - {name: all, when: {alerts: [detected, escalated, ended]}, to: desk}\n"
    )
    return str(path)


def test_a_test_message_reaches_a_receiver_signed(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        receivers = Receivers(supervisor, tmp_path)
        receivers.start()
        rules = str(write_rules(tmp_path / "rules.yaml", receivers, ["desk"], ["dead"]))
        notify_flow.wait_until(
            lambda: run("test", "desk", "--rules", rules)[0] == 0, receivers.tend, ARRIVE_SECONDS
        )
        [note] = receivers.notes()
        assert note["body"]["data"]["record"]["asset"] == "TEST"
        code, output = run("test", "--rules", rules)
    assert code == 69
    assert "desk: accepted" in output
    assert "dead: it cannot be reached" in output


def test_a_check_shows_what_the_file_says_and_no_secret(tmp_path: Path) -> None:
    rules = rules_with(tmp_path / "rules.yaml", f"https://example.com/{TOKEN}")
    code, output = run("check", "--rules", rules)
    assert code == 0
    assert "https://example.com" in output
    assert TOKEN not in output
    assert SECRET not in output


def test_a_wrong_file_ends_every_command_with_its_line(tmp_path: Path) -> None:
    path = rules_with(tmp_path / "rules.yaml", "ftp://example.com")
    for command in ("check", "test"):
        code, output = run(command, "--rules", path)
        assert code == 78
        assert "rules.yaml:2:" in output.replace("\n", "")
    assert run("check")[0] == 78
    assert run("test", "nobody", "--rules", path)[0] == 78


@pytest.mark.usefixtures("broker")
def test_a_worker_shows_no_secret_and_no_address_whatever_fails(
    make_settings: MakeSettings,
    run_worker: RunWorker,
    tmp_path: Path,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    settings = make_settings(log_level="DEBUG")
    rules = rules_with(tmp_path / "rules.yaml", f"http://{LOOPBACK}:{free_port()}/{TOKEN}")
    worker = run_worker(
        "notify", settings=settings, environment={"NOTIFY_RULES": rules, "SECRET": SECRET}
    )
    with Traffic(settings, alerts_per_second=20):
        wait_until(lambda: worker.log.count("message_not_delivered") > 2)
    shown = worker.log
    for path in ("metrics", "readyz", "healthz"):
        try:
            shown += urlopen(f"{worker.health_url}/{path}").read().decode()
        except OSError as error:  # not ready: the body says why
            shown += getattr(error, "read", lambda: b"")().decode()
    assert "receiver-desk" in shown
    assert 'liq_notify_attempts_total{receiver="desk",result="connect"}' in shown
    for hidden in (TOKEN, SECRET, SECRET.removeprefix("whsec_")):
        assert hidden not in shown
    assert worker.stop() == 0
