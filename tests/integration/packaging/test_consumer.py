"""A service that reads our topics installs the contract alone: one wheel and orjson."""

from pathlib import Path

import pytest

from tests.integration.packaging.conftest import Wheels
from tests.support.paths import EXAMPLES
from tests.support.virtual_environment import VirtualEnvironment

pytestmark = pytest.mark.integration

READ_ALERTS = """
import sys
from pathlib import Path
from liq.schemas import CascadeAlert, Topics, decode
for example in sorted(Path(sys.argv[1]).glob("CascadeAlert.*.json")):
    alert = decode(CascadeAlert, example.read_bytes())
    print(example.name, alert.type, alert.asset, alert.total_value_usd)
print(Topics().cascades)
"""
FIND_ENGINE = """
from importlib.util import find_spec
names = ["aiokafka", "faust", "pydantic", "typer", "liq.runtime", "liq.cli", "liq.processors"]
print([name for name in names if find_spec(name)])
"""


def test_the_schemas_read_alerts_with_orjson_alone(wheels: Wheels, tmp_path: Path) -> None:
    consumer = VirtualEnvironment(
        tmp_path / "environment", is_wanted=lambda name: name.startswith("orjson")
    )
    consumer.install(wheels.schemas)
    read = consumer.run("python", "-c", READ_ALERTS, EXAMPLES, folder=tmp_path)
    assert read.returncode == 0, read.stderr.decode()
    *alerts, topic = read.stdout.decode().splitlines()
    assert len(alerts) == len(list(EXAMPLES.glob("CascadeAlert.*.json")))
    assert topic == "liquidations.cascades"

    found = consumer.run("python", "-c", FIND_ENGINE, folder=tmp_path)
    assert found.stdout.decode().strip() == "[]", found.stderr.decode()


def test_the_documented_line_installs_the_schemas_from_the_checkout(tmp_path: Path) -> None:
    consumer = VirtualEnvironment(tmp_path / "environment")
    consumer.install("./schemas")
    shown = consumer.run(
        "python", "-c", "import liq.schemas as s; print(s.__file__)", folder=tmp_path
    )
    assert Path(shown.stdout.decode()).is_relative_to(consumer.site_packages)
