"""The command line's own behaviour: help, settings, offline tools, exit codes."""

import gzip
import os
import re
import subprocess
import sys

import orjson
import pytest
from typer.testing import CliRunner

from liq.cli.main import COMMANDS, DEVSTACK_COMMANDS, app, load, plugged_in, summarize
from tests.support.paths import CAPTURES

HEAVY_LIBRARIES = {
    "aiohttp",
    "aiokafka",
    "chdb",
    "clickhouse_connect",
    "faust",
    "prometheus_client",
    "pydantic",
    "pydantic_settings",
    "structlog",
    "websockets",
}
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


@pytest.mark.parametrize("name", [*COMMANDS, *DEVSTACK_COMMANDS])
def test_the_list_of_commands_has_the_help_text_of_the_command_itself(name: str) -> None:
    place = (COMMANDS | plugged_in())[name]
    listed, command = summarize(name, place), load(name, place)
    assert listed.help == command.help
    assert listed.rich_help_panel == command.rich_help_panel


def imported_libraries(*arguments: str, **environment: str) -> set[str]:
    """Run `liq` in a process of its own; return which of the heavy libraries it has imported."""
    program = (
        "import sys, orjson\n"
        "from liq.cli.main import app\n"
        "try:\n"
        "    app(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.stderr.buffer.write(orjson.dumps(list(sys.modules)))\n"
    )
    run = subprocess.run(
        (sys.executable, "-c", program, *arguments),
        capture_output=True,
        env={**os.environ, **environment},
        timeout=60,
        check=True,
    )
    return HEAVY_LIBRARIES & set(orjson.loads(run.stderr.splitlines()[-1]))


def test_the_list_of_commands_imports_no_command() -> None:
    assert imported_libraries("--help") == set()


@pytest.mark.parametrize(
    "command",
    [
        "backfill",
        "config",
        "migrate",
        "process",
        "produce",
        "reference",
        "replay-rejected",
        "report",
        "sink",
        "sql",
        "topics",
        "venues",
    ],
)
def test_the_help_of_a_command_imports_nothing_that_only_its_work_needs(command: str) -> None:
    # Typer itself reads options with pydantic, and what `sink` offers is typed with settings.
    assert imported_libraries(command, "--help") <= {"pydantic", "pydantic_settings"}


@pytest.mark.parametrize(
    ("command", "needed", "unneeded"),
    [
        (("process", "detect"), "faust", "clickhouse_connect"),
        (("produce",), "websockets", "clickhouse_connect"),
        (("produce",), "websockets", "faust"),
        (("sink",), "aiokafka", "faust"),
        (("normalize",), "pydantic_settings", "faust"),
        (("detect",), "pydantic_settings", "faust"),
    ],
)
def test_a_command_does_not_import_what_only_others_need(
    command: tuple[str, ...], needed: str, unneeded: str
) -> None:
    # It has imported everything by the time it refuses a setting.
    imported = imported_libraries(*command, TOPIC_PARTITIONS="several")
    assert needed in imported
    assert unneeded not in imported


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


def test_the_version_names_what_runs_here() -> None:
    shown = runner.invoke(app, ["--version"])
    assert shown.exit_code == 0
    assert re.search(r"^liq \d+\.\d+", shown.output)
    assert "aiokafka" in shown.output
    assert re.search(
        r"^Detector and normalizers: (compiled|pure Python)$", shown.output, re.MULTILINE
    )


def test_an_export_without_kafka_is_a_sentence() -> None:
    ended = subprocess.run(
        (sys.executable, "-m", "liq.cli.main", "export", "liquidations.cascades"),
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 69
    assert "Traceback" not in ended.stderr
    assert "KAFKA_BOOTSTRAP_SERVERS" in ended.stderr
