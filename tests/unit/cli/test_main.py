"""The command line's own behaviour: help, settings, offline tools, exit codes."""

import gzip
import subprocess
import sys

import orjson
import pytest
from typer.testing import CliRunner

from liq.cli.main import COMMANDS, DEVSTACK_COMMANDS, app, plugged_in
from tests.support.paths import CAPTURES

JULY_2025 = CAPTURES / "2025-07-18_binance.jsonl.gz"
runner = CliRunner()


def liq(*arguments: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        (sys.executable, "-m", "liq.cli.main", *arguments),
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_every_command_has_a_sentence() -> None:
    text = runner.invoke(app, ["--help"], terminal_width=200).output
    lines = [line.strip("│ ").split() for line in text.splitlines()]
    sentences = {words[0]: words[1:] for words in lines if words}
    for command in COMMANDS:
        assert len(sentences[command]) > 1, command


def test_a_mistyped_command_is_an_error_that_names_what_was_meant() -> None:
    outcome = runner.invoke(app, ["proces"])
    assert outcome.exit_code == 2
    assert "process" in outcome.output


@pytest.mark.parametrize("command", DEVSTACK_COMMANDS)
def test_a_command_of_a_missing_devstack_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("liq.cli.main.plugged_in", dict)
    outcome = runner.invoke(app, [command])
    assert outcome.exit_code == 2
    assert "liquidation-engine[devstack]" in outcome.output


def test_the_devstack_adds_the_commands_that_are_known_to_come_from_it() -> None:
    assert set(plugged_in()) == set(DEVSTACK_COMMANDS)


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("process", "clickhouse_connect"),
        ("produce", "clickhouse_connect"),
        ("produce", "faust"),
        ("sink", "faust"),
        ("normalize", "faust"),
        ("detect", "faust"),
    ],
)
def test_a_command_does_not_import_what_only_others_need(command: str, unneeded: str) -> None:
    program = (
        "import sys; from liq.cli.main import COMMANDS, load; "
        "load(sys.argv[1], COMMANDS[sys.argv[1]]); sys.exit(sys.argv[2] in sys.modules)"
    )
    loading = subprocess.run((sys.executable, "-c", program, command, unneeded), check=False)
    assert loading.returncode == 0


def test_config_prints_addresses_of_feeds_whole_and_refuses_wrong_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = "wss://proxy.example/" + "x" * 100
    monkeypatch.setenv("OKX_WS_URL", address)
    outcome = runner.invoke(app, ["config"])
    assert outcome.exit_code == 0
    cells = [line.split("│") for line in outcome.output.splitlines() if "│" in line]
    assert address in "".join(value.strip() for _, _, value, *_ in cells)
    monkeypatch.setenv("OKX_WS_URL", "proxy.example")
    assert runner.invoke(app, ["config"]).exit_code == 78


def test_config_prints_what_is_in_force_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "hunter2")
    monkeypatch.setenv("CASCADE_MIN_EVENTS", "7")
    result = runner.invoke(app, ["config"])
    assert result.exit_code == 0
    assert "hunter2" not in result.output
    assert "CASCADE_MIN_EVENTS" in result.output


def test_a_wrong_setting_is_a_sentence_and_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_MIN_EVENTS", "several")
    result = runner.invoke(app, ["config"])
    assert result.exit_code == 78
    assert "CASCADE_MIN_EVENTS" in result.output


def test_a_clickhouse_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_URL", "http://127.0.0.1:1")
    result = runner.invoke(app, ["migrate"])
    assert result.exit_code == 69
    assert "Check CLICKHOUSE_URL" in " ".join(result.output.split())


def test_normalize_writes_events_on_stdout_and_rejections_on_stderr() -> None:
    good = gzip.decompress(JULY_2025.read_bytes())
    bad = orjson.dumps(
        {"received_at_ns": 1, "exchange": "binance", "feed": "usdm", "frame": "not json"}
    )
    result = liq("normalize", data=good + bad + b"\n")
    assert result.returncode == 0
    events = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert len(events) == 790
    assert sum(event["side"] == "LONG" for event in events) == 629
    [rejected] = [orjson.loads(line) for line in result.stderr.splitlines()]
    assert rejected["reason"] == "not_json"
    assert rejected["payload"] == "bm90IGpzb24="


def test_a_line_that_is_no_capture_line_is_named_and_fails_the_run() -> None:
    result = liq("normalize", data=b"\n{broken\n")
    assert result.returncode == 2
    assert orjson.loads(result.stderr)["line"] == 2


def test_detect_names_lines_that_are_no_events() -> None:
    result = liq("detect", data=b'{"event_id": 1}\n{"clock_ms": "soon"}\n')
    assert result.returncode == 2
    assert [orjson.loads(line)["line"] for line in result.stderr.splitlines()] == [1, 2]
