"""The environment is read in one place."""

import ast
from collections.abc import Iterator

import pytest

from liq.runtime.environment import environment
from tests.support.paths import ROOT

ROOMS = ("devstack", "liq", "processors", "producers", "runtime", "schemas", "sinks")
READER = ROOT / "runtime/liq/runtime/environment.py"
MODULES = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path != READER]
READS = {"environ", "environb", "getenv", "getenvb"}


def reads(source: str) -> Iterator[int]:
    """The lines that name `os.environ` or its like."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            names = {node.attr}
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "posix"}:
            names = {alias.name for alias in node.names}
        else:
            continue
        if names & READS:
            yield node.lineno


def test_no_other_module_reads_the_environment() -> None:
    assert len(MODULES) > 100
    found = {path: list(reads(path.read_text(encoding="utf-8"))) for path in MODULES}
    assert [f"{path.relative_to(ROOT)}:{line}" for path in found for line in found[path]] == []


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ.get('X')",
        "import os as o\no.getenv('X')",
        "from os import environ",
        "def f():\n    from os import getenv as g",
    ],
)
def test_every_way_to_read_it_is_noticed(source: str) -> None:
    assert list(reads(source))


def test_a_variable_that_is_set_later_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = environment()
    monkeypatch.setenv("SET_LATER", "x")
    assert variables["SET_LATER"] == "x"
    monkeypatch.delenv("SET_LATER")
    assert "SET_LATER" not in variables
