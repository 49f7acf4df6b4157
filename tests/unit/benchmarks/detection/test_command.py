"""The command: what it prints, writes and exits with."""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.detection import __main__ as command
from benchmarks.detection.limits import Limit
from benchmarks.detection.page import write_part
from tests.support.paths import ROOT

GOOD = Limit("recall", 1.0, least=0.9)
BAD = Limit("recall", 0.5, least=0.9)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, limit: Limit) -> int:
    """Run one part, which gives a limit; its exit code."""
    evaluated = command.Evaluated("| table |", [limit])
    monkeypatch.setitem(command.PARTS, "days", lambda _: evaluated)
    monkeypatch.setattr(sys, "argv", ["detection", "days", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    return int(ended.value.code or 0)


def test_a_missed_limit_is_an_exit_code_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--check", limit=BAD) == 1
    assert "limit missed: days: recall is 0.500" in capsys.readouterr().err
    assert run(monkeypatch, "--check", limit=GOOD) == 0
    assert run(monkeypatch, limit=BAD) == 0


def test_tables_go_to_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: eval days -->\n<!-- end: eval days -->\n")
    run(monkeypatch, "--write", str(page), limit=GOOD)
    assert "| table |" in page.read_text()


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["detection", "nights"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2


def test_the_frontier_is_evaluated_only_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def returning(evaluated: command.Evaluated) -> Callable[[Namespace], command.Evaluated]:
        return lambda _: evaluated

    for part in command.PARTS:
        evaluated = command.Evaluated(f"| {part} |", [])
        monkeypatch.setitem(command.PARTS, part, returning(evaluated))
    for arguments in ([], ["frontier"]):
        monkeypatch.setattr(sys, "argv", ["detection", *arguments])
        with pytest.raises(SystemExit):
            command.main()
        printed = capsys.readouterr().out
        assert ("| frontier |" in printed, "| days |" in printed) == (
            bool(arguments),
            not arguments,
        )


def test_the_page_has_a_place_for_every_part(tmp_path: Path) -> None:
    page = tmp_path / "evaluation.md"
    page.write_text((ROOT / "docs" / "evaluation.md").read_text())
    for part in command.PARTS:
        write_part(page, part, "new")
    assert page.read_text().count("\n\nnew\n\n") == len(command.PARTS)
