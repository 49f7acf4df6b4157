"""The image's install line, run without Docker: only what it copies, only what it installs."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from liq.cli.main import COMMANDS
from tests.support.paths import CAPTURES, ROOT
from tests.support.virtual_environment import VirtualEnvironment, copy_into

pytestmark = pytest.mark.integration

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CAPTURE = str(CAPTURES / "2025-07-18_binance.jsonl.gz")
# Ports of the system's own, on which nothing listens.
NOTHING_LISTENS = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "CLICKHOUSE_URL": "http://127.0.0.1:2",
    "HTTP_PORT": "0",
    "COLUMNS": "200",
}
KAFKA_IS_AWAY = (69, "check KAFKA_BOOTSTRAP_SERVERS")
CLICKHOUSE_IS_AWAY = (69, "Check CLICKHOUSE_URL")
EXPECTED_ENDS = {
    ("process", "normalize"): KAFKA_IS_AWAY,
    ("process", "detect"): KAFKA_IS_AWAY,
    ("sink", "clickhouse"): KAFKA_IS_AWAY,
    ("sink", "redis"): KAFKA_IS_AWAY,
    ("produce",): KAFKA_IS_AWAY,
    ("reference",): KAFKA_IS_AWAY,
    ("backfill",): KAFKA_IS_AWAY,
    ("serve",): KAFKA_IS_AWAY,
    ("doctor", "--skip", "venues"): KAFKA_IS_AWAY,
    ("topics",): KAFKA_IS_AWAY,
    ("replay", CAPTURE): KAFKA_IS_AWAY,
    ("watch",): KAFKA_IS_AWAY,
    ("replay-rejected", "--reason", "unknown_instrument"): KAFKA_IS_AWAY,
    ("migrate",): CLICKHOUSE_IS_AWAY,
    ("sql", "SELECT 1"): CLICKHOUSE_IS_AWAY,
    ("report",): CLICKHOUSE_IS_AWAY,
    ("notify",): (78, "Set NOTIFY_RULES"),
    ("config",): (0, "KAFKA_BOOTSTRAP_SERVERS"),
    ("venues",): (0, "binance"),
    ("quality", "hyperliquid"): KAFKA_IS_AWAY,
    ("rights", "kafka"): (0, "kafka-acls.sh"),
    ("rights", "clickhouse"): (0, "GRANT SELECT"),
    ("import", CAPTURE, "--to", "kafka"): (78, "holds a capture"),
    ("normalize",): (0, ""),
    ("detect",): (0, ""),
}
# Their own tests have files for them.
ELSEWHERE = {"backtest", "export", "instruments", "tune"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """Install the Dockerfile's words from a folder that holds the Dockerfile's copies."""
    folder = tmp_path_factory.mktemp("image")
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    copied = [word for line in lines for word in line.split()[:-1]]
    copy_into(folder / "build", copied)
    # The dependencies, whose hashes the lines before check, are links here.
    *_, words = re.findall(r"pip install (.+)$", DOCKERFILE, re.MULTILINE)
    environment = VirtualEnvironment(folder / "environment")
    environment.install(*shlex.split(words), folder=folder / "build")
    return environment


def test_what_the_image_installs_has_what_it_requires(image: VirtualEnvironment) -> None:
    image.check_requirements()
    rooms = {path.name for path in (image.site_packages / "liq").iterdir()}
    assert rooms == {"cli", "processors", "producers", "runtime", "schemas", "sinks", "web"}


def test_every_command_of_the_image_and_of_compose_is_tried_below() -> None:
    assert {words[0] for words in EXPECTED_ENDS} | ELSEWHERE == COMMANDS.keys()
    services = COMPOSE["services"].values()
    started = {tuple(body["command"]) for body in services if "build" in body}
    tried = {words if words[0] != "replay" else ("replay",) for words in EXPECTED_ENDS}
    assert {words if words[0] != "replay" else ("replay",) for words in started} <= tried


@pytest.mark.slow
def test_every_command_starts_and_ends_as_documented(
    image: VirtualEnvironment, tmp_path: Path
) -> None:
    running = {
        words: image.start("liq", *words, folder=tmp_path, environment=NOTHING_LISTENS)
        for words in EXPECTED_ENDS
    }
    ends = {}
    for words, process in running.items():
        output, _ = process.communicate(timeout=120)
        ends[words] = process.returncode, " ".join(output.split())
    for words, (code, sentence) in EXPECTED_ENDS.items():
        assert ends[words][0] == code, (words, ends[words])
        assert sentence in ends[words][1], words


def test_a_wrong_setting_ends_a_worker_of_the_image_with_78(
    image: VirtualEnvironment, tmp_path: Path
) -> None:
    wrong = {**NOTHING_LISTENS, "CASCADE_MIN_EVENTS": "several"}
    process = image.start("liq", "process", "detect", folder=tmp_path, environment=wrong)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 78, output
    assert "CASCADE_MIN_EVENTS" in output


@pytest.mark.parametrize("command", ["demo", "dev", "rehearse"])
def test_a_command_of_the_devstack_says_what_to_install(
    image: VirtualEnvironment, tmp_path: Path, command: str
) -> None:
    process = image.start("liq", command, folder=tmp_path, environment=NOTHING_LISTENS)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "liquidation-engine[devstack]" in output
