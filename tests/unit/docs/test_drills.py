"""The commands of docs/drills.md and docs/backup.md parse, and the tests that they name exist."""

import ast
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from liq.cli.main import COMMANDS, load
from liq.runtime.settings import Settings
from tests.support.paths import DOCS, ROOT

DRILLS: Final = (DOCS / "drills.md").read_text()
SECTIONS: Final = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DRILLS, re.DOTALL | re.MULTILINE))
SERVICES: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
#: Options of Kafka's tools (4.x) that the pages use, and whether a value follows.
KAFKA_TOOLS: Final = {
    "kafka-consumer-groups.sh": {
        "--bootstrap-server": True,
        "--group": True,
        "--reset-offsets": False,
        "--to-datetime": True,
        "--to-earliest": False,
        "--to-latest": False,
        "--describe": False,
        "--all-groups": False,
        "--topic": True,
        "--all-topics": False,
        "--execute": False,
    },
    "connect-mirror-maker.sh": {"mirror.properties": False},
    "kafka-topics.sh": {
        "--bootstrap-server": True,
        "--delete": False,
        "--describe": False,
        "--under-replicated-partitions": False,
        "--topic": True,
    },
}
#: What the runbook promises a drill for.
OPERATIONS: Final = (
    *("Reset offsets", "Make a topic again", "Grow partitions", "Load ClickHouse again from Kafka"),
    *("Replay after a normalizer's fix", "Change thresholds", "Upgrade worker by worker"),
    *("Rotate a secret", "Lose a broker", "Move to another cluster"),
)
#: Their tests perform them in their own words.
IN_OWN_WORDS: Final = {"Upgrade worker by worker", "Lose a broker"}


def command_lines(page: str) -> list[str]:
    text = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


LINES: Final = [*command_lines(DRILLS), *command_lines((DOCS / "backup.md").read_text())]


@pytest.mark.parametrize("line", LINES)
def test_a_command_parses(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in re.findall(r"--expect (\S+)", line):
        Path(file).touch()
    for part in re.split(r" [|&]+ ", line):
        word, *arguments = shlex.split(part.split(" > ")[0])
        if word.startswith("KAFKA_BOOTSTRAP_SERVERS="):
            word, *arguments = arguments
        match word:
            case "liq":
                parse(load(arguments[0], COMMANDS[arguments[0]]), arguments[0], arguments[1:])
            case "docker":
                check_compose(arguments)
            case "gzip":
                assert arguments == []
            case _:
                check_kafka_tool(word, arguments)


def parse(command: Any, name: str, arguments: Sequence[str]) -> None:
    """Parse a command line with its subcommands; click raises for what it does not know."""
    context = command.make_context(name, list(arguments))
    rest = [*context._protected_args, *context.args]
    if rest and hasattr(command, "resolve_command"):
        found, sub, left = command.resolve_command(context, rest)
        parse(sub, found, left)


def check_compose(arguments: Sequence[str]) -> None:
    if arguments[1] == "--project-name":
        assert arguments[2] in {"old", "new"}
        arguments = [arguments[0], *arguments[3:]]
    words = [each for each in arguments if not each.startswith("--")]
    assert words[:1] == ["compose"]
    assert words[1] in {"up", "stop", "start"}
    assert set(words[2:]) <= SERVICES.keys()
    assert {each for each in arguments if each.startswith("--")} <= {"--detach"}


def check_kafka_tool(tool: str, arguments: Sequence[str]) -> None:
    options = KAFKA_TOOLS[tool]
    topics = Settings.model_construct().topics
    words = iter(arguments)
    for word in words:
        value = next(words) if options[word] else ""
        if word == "--topic":
            assert value in {spec.name for spec in topics.specs(("bitget", "okx"))}
        elif word == "--group":
            assert value.startswith("liquidations.")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_drill_has_commands_what_is_lost_and_a_test_that_performs_it(operation: str) -> None:
    section = SECTIONS[operation]
    assert command_lines(section)
    assert "**Readers see**" in section
    assert "**Lost**" in section
    performed = re.findall(r"`(tests/\S+\.py)::(\w+)`", section)
    assert performed
    for path, name in performed:
        functions = {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in functions, f"{path} has no {name}"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each not in IN_OWN_WORDS])
def test_the_test_that_is_named_first_reads_the_commands_from_the_page(operation: str) -> None:
    path, name = re.findall(r"`(tests/\S+\.py)::(\w+)`", SECTIONS[operation])[0]
    tree = ast.parse((ROOT / path).read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert operation in texts, f"{path}::{name} does not read the drill"
    imported = {
        each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "tests.support.drill_pages"
        for each in node.names
    }
    assert imported & {"blocks", "command_lines"}, path


def test_every_drill_of_the_page_is_one_of_these() -> None:
    assert set(SECTIONS) == set(OPERATIONS)
