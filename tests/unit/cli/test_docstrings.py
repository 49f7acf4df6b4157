"""Help texts are read from the source; the module itself is not imported."""

import sys
from pathlib import Path

import pytest

from liq.cli.docstrings import docstring

SOURCE = '''
"""A module that cannot be imported."""
raise RuntimeError

def work() -> None:
    """Do the work.

    In two steps.
    """

def other() -> None:
    pass
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "not_importable.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    return "not_importable"


def test_a_docstring_is_read_without_an_import(module: str) -> None:
    assert docstring(module, "work") == "Do the work.\n\nIn two steps."
    assert module not in sys.modules


@pytest.mark.parametrize("function", ["other", "missing"])
def test_a_function_without_a_docstring_has_none(module: str, function: str) -> None:
    assert docstring(module, function) is None


@pytest.mark.parametrize("module_without_source", ["no_such_module", "math", "sys"])
def test_a_module_without_source_has_none(module_without_source: str) -> None:
    assert docstring(module_without_source, "sqrt") is None
