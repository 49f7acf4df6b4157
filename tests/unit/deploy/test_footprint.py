"""The environment of the workers stays small, and the page lists every extra that runs."""

import re
import tomllib

from deploy.footprint import ENGINE, EXTRAS, closure, size_mb
from tests.support.paths import DOCS, ROOT

LIMIT_MB = 120


def test_the_core_is_small() -> None:
    core = closure(ENGINE)
    assert {"aiokafka", "faust-streaming", "clickhouse-connect"} <= core
    assert not core & {"fastapi", "apprise", "redis", "pytest"}
    assert size_mb(core) <= LIMIT_MB


def test_the_page_has_every_extra_but_those_of_development() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS) == project["optional-dependencies"].keys() - {"dev", "devstack"}
    page = (DOCS / "sizing.md").read_text().partition("## What is installed")[2]
    assert set(EXTRAS) <= set(re.findall(r"`([a-z]+)`", page))
