"""`.ci/run`: its parts exist and fit the budget, and a part that fails or is left out counts."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PARTS = [
    line.split()
    for line in (ROOT / ".ci" / "parts").read_text().splitlines()
    if not line.startswith("#")
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
INSTALL_MINUTES = 3
BUDGET_MINUTES = 40
TOOLS = ("bash", "cat", "dirname", "grep", "id", "make", "mktemp", "rm", "sleep", "touch")
MAKEFILE = """
install good-one good-two:
\t@echo "1 passed of $@ with FREE_PORTS=$(FREE_PORTS)"
bad-one:
\t@false
"""


def test_every_part_is_a_target_of_the_makefile() -> None:
    for lane, form, _part, minutes, needs, *command in PARTS:
        assert lane in {"here", "aside", "any", "alone"}
        assert form in {"short", "long", "both"}
        assert int(minutes) > 0
        assert set(needs.split(",")) <= {"-", "java", "npm", "cc", "go"}
        assert command[0] == "make"
        assert command[1] in TARGETS


def test_the_lanes_of_the_short_form_fit_into_the_budget() -> None:
    minutes = Counter[str]()
    for lane, form, _part, budget, *_ in PARTS:
        if form != "long":
            minutes[lane] += int(budget)
    side_by_side = (minutes["here"] + minutes["aside"] + minutes["any"]) / 2
    assert max(minutes["here"], minutes["aside"]) <= side_by_side
    assert INSTALL_MINUTES + side_by_side + minutes["alone"] <= BUDGET_MINUTES


def test_the_readme_s_test_command_is_a_part() -> None:
    assert "make test " in (ROOT / "README.md").read_text()
    assert ["make", "test"] in [words[5:7] for words in PARTS]


def run_parts(
    folder: Path, parts: str, *arguments: str, ci: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `.ci/run` with other parts on a machine that has no compiler and no package client."""
    programs = folder / "programs"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (programs / tool).symlink_to(found)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / ".ci" / "parts").write_text(parts)
    (folder / "Makefile").write_text(MAKEFILE)
    return subprocess.run(
        ("bash", ".ci/run", *arguments),
        cwd=folder,
        env={"PATH": str(programs), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


def results_of(run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    table = run.stdout.partition("\npart ")[2].splitlines()[1:]
    return {line[:10].strip(): re.split(r" {2,}", line[10:].strip())[-1] for line in table}


def test_parts_of_both_lanes_run_and_show_what_they_wrote(tmp_path: Path) -> None:
    parts = "here both one 1 - make good-one FREE_PORTS=1-2\naside short two 1 - make good-two\n"
    run = run_parts(tmp_path, parts, ci="true")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed of good-one with FREE_PORTS=1-2" in run.stdout
    assert "1 passed of good-two" in run.stdout
    assert results_of(run) == dict.fromkeys(("install", "one", "two", "in all"), "passed")


def test_a_part_for_any_lane_runs_once_with_the_ports_of_its_lane(tmp_path: Path) -> None:
    parts = "any both one 1 - make good-one\nany both two 1 - make good-two\n"
    run = run_parts(tmp_path, parts, ci="true")
    assert results_of(run) == dict.fromkeys(("install", "one", "two", "in all"), "passed")
    for target in ("good-one", "good-two"):
        assert len(re.findall(f"passed of {target} with FREE_PORTS=[12]0000-[13]", run.stdout)) == 1


@pytest.mark.parametrize("lane", ["here", "aside"])
def test_a_part_that_fails_fails_the_run_after_the_others(tmp_path: Path, lane: str) -> None:
    parts = f"{lane} both bad 1 - make bad-one\n{lane} both one 1 - make good-one\n"
    run = run_parts(tmp_path, parts)
    assert run.returncode == 1
    assert results_of(run) == {
        "install": "passed",
        "bad": "FAILED",
        "one": "passed",
        "in all": "FAILED",
    }


def test_what_measures_runs_after_both_lanes(tmp_path: Path) -> None:
    parts = (
        "alone both last 1 - make good-two\n"
        "here both one 1 - make good-one\n"
        "aside both bad 1 - make bad-one\n"
    )
    found = results_of(run_parts(tmp_path, parts))
    assert list(found)[-2:] == ["last", "in all"]
    assert found.keys() == {"install", "one", "bad", "last", "in all"}


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_part_that_cannot_run_says_why_and_fails_a_run_of_ci(
    tmp_path: Path, ci: str, code: int
) -> None:
    run = run_parts(tmp_path, "aside both compiled 1 cc make good-one\n", ci=ci)
    assert run.returncode == code
    assert "NOT RUN: compiled. There is no C compiler (cc)." in run.stdout
    assert results_of(run)["compiled"] == "not run"
    assert results_of(run)["in all"] == "passed, NOT EVERYTHING RAN"


def test_the_long_form_runs_its_own_parts(tmp_path: Path) -> None:
    parts = "here short one 1 - make bad-one\nhere long two 1 - make good-two\n"
    run = run_parts(tmp_path, parts, "--long")
    assert run.returncode == 0
    assert results_of(run).keys() == {"install", "two", "in all"}
