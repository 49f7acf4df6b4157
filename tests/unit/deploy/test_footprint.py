"""The environment of the workers stays small, and the page lists every extra that runs."""

import re
import tomllib

import pytest

from deploy.footprint import ENGINE, EXTRAS, closure, not_installed, size_mb
from tests.support.paths import DOCS, ROOT

LIMIT_MB = 120
TOLERANCE = 0.25
#: A small extra differs by more than its share.
SMALL_MB = 2


def test_the_core_is_small() -> None:
    core = closure(ENGINE)
    assert {"aiokafka", "faust-streaming", "clickhouse-connect"} <= core
    assert not core & {"fastapi", "apprise", "redis", "pytest"}
    assert size_mb(core) <= LIMIT_MB


def stated() -> dict[str, int]:
    """Return the megabytes of each part on the page."""
    table = (DOCS / "sizing.md").read_text().partition("## What is installed")[2]
    rows = re.findall(r"^\| `?(\w+)`?[:,]? ?.*?\| (\d+) \|$", table, re.MULTILINE)
    return {name: int(size) for name, size in rows}


@pytest.mark.parametrize("part", ["core", *EXTRAS])
def test_the_page_has_the_size_of_what_is_installed(part: str) -> None:
    """Other versions of Python and of a machine have other compiled files, hence a tolerance."""
    core = closure(ENGINE)
    if part == "core":
        assert size_mb(core) == pytest.approx(stated()[part], rel=TOLERANCE)
        return
    added = closure(ENGINE, part) - core
    if missing := not_installed(ENGINE, part):
        pytest.skip(f"{', '.join(sorted(missing))} of the extra {part} is not installed")
    assert size_mb(added) == pytest.approx(stated()[part], rel=TOLERANCE, abs=SMALL_MB)


def test_the_page_has_every_extra_but_those_of_development() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS) == project["optional-dependencies"].keys() - {"dev", "devstack"}
    assert stated().keys() == {"core", *EXTRAS}
