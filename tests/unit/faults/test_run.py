"""`tests/faults/run.sh` runs every file of cases once; campaigns have a target of their own."""

import re

from tests.support.paths import ROOT

FAULTS = ROOT / "tests" / "faults"


def test_every_file_of_cases_is_run_once() -> None:
    script = (FAULTS / "run.sh").read_text()
    run = [
        name
        for names in re.findall(r"\$\{faults\}_(?:\{([a-z_,]+)\}|([a-z_]+))\.py", script)
        for name in "".join(names).split(",")
    ]
    there = {path.stem.removeprefix("test_") for path in FAULTS.glob("test_*.py")}
    assert sorted(run) == sorted(there - {"chaos"})
