"""The environment of the workers stays small, and the page lists every extra that runs."""

import re
import tomllib

import pytest

from deploy.footprint import ENGINE, EXTRAS, closure, size_mb
from tests.support.paths import DOCS, ROOT

LIMIT_MB = 120
TOLERANCE = 0.25


def test_the_core_is_small() -> None:
    core = closure(ENGINE)
    assert {"aiokafka", "faust-streaming", "clickhouse-connect"} <= core
    assert not core & {"fastapi", "apprise", "redis", "pytest"}
    assert size_mb(core) <= LIMIT_MB


def test_the_page_has_the_size_of_the_core() -> None:
    """Other versions of Python have other compiled files, hence a tolerance."""
    page = (DOCS / "sizing.md").read_text().partition("## What is installed")[2]
    [stated] = re.findall(r"^\| core: .*\| (\d+) \|$", page, re.MULTILINE)
    assert size_mb(closure(ENGINE)) == pytest.approx(int(stated), rel=TOLERANCE)


def test_the_page_has_every_extra_but_those_of_development() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS) == project["optional-dependencies"].keys() - {"dev", "devstack"}
    page = (DOCS / "sizing.md").read_text().partition("## What is installed")[2]
    assert set(EXTRAS) <= set(re.findall(r"`([a-z]+)`", page))
