"""Installed wheels beside foreign code of the same names: nothing changes on either side."""

import gzip
from pathlib import Path

import orjson
import pytest

from tests.integration.packaging.conftest import Wheels
from tests.support.paths import CAPTURES
from tests.support.virtual_environment import (
    ROOM_NAMES,
    VirtualEnvironment,
    build_wheels,
    write_own_packages,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(480)]

CAPTURE = CAPTURES / "2025-07-18_binance.jsonl.gz"
FOREIGN_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "foreign-schemas"
version = "1.0"
[tool.hatch.build.targets.wheel]
packages = ["schemas", "runtime"]
"""


def write_foreign_project(folder: Path) -> Path:
    write_own_packages(folder, ["schemas", "runtime"])
    (folder / "schemas" / "records.py").write_text("class Liquidation: ...\n")
    (folder / "pyproject.toml").write_text(FOREIGN_PROJECT)
    return folder


@pytest.mark.slow
def test_the_demo_runs_beside_foreign_packages_and_outlives_them(
    wheels: Wheels, tmp_path: Path
) -> None:
    environment = VirtualEnvironment(tmp_path / "environment")
    environment.install(*wheels.all)
    [foreign] = build_wheels(tmp_path / "built", [write_foreign_project(tmp_path / "foreign")])
    environment.install(foreign)
    environment.check_requirements()
    folder = write_own_packages(tmp_path / "user", ROOM_NAMES)
    program = "import liq.cli, liq.schemas, liq.devstack as d; print(liq.cli.__file__, d.__file__)"
    located = environment.run("python", "-P", "-c", program, folder=folder).stdout.decode()
    assert all(path.startswith(str(environment.site_packages)) for path in located.split())
    assert len(located.split()) == 2

    demo = environment.run("liq", "demo", CAPTURE, folder=folder)
    assert demo.returncode == 0, demo.stderr.decode()
    assert "790" in demo.stdout.decode()

    environment.uninstall("foreign-schemas")
    assert not (environment.site_packages / "schemas").exists()
    environment.check_requirements()
    frames = gzip.decompress(CAPTURE.read_bytes())
    normalized = environment.run("liq", "normalize", folder=folder, data=frames)
    assert normalized.returncode == 0, normalized.stderr
    sides = [orjson.loads(line)["side"] for line in normalized.stdout.splitlines()]
    assert (sides.count("LONG"), sides.count("SHORT")) == (629, 161)
