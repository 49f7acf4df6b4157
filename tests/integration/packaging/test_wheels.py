"""What the three wheels hold: one top-level name, no file twice, one version."""

import re
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from tests.integration.packaging.conftest import Wheels
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration


def names_in(wheel: Path) -> list[PurePosixPath]:
    with ZipFile(wheel) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def code_in(wheel: Path) -> set[PurePosixPath]:
    return {name for name in names_in(wheel) if not name.parts[0].endswith(".dist-info")}


def metadata_of(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def requirements_of(wheel: Path) -> list[str]:
    return [str(line) for line in metadata_of(wheel).get_all("Requires-Dist", [])]


def test_every_wheel_has_one_top_level_name(wheels: Wheels) -> None:
    for wheel in wheels.all:
        code = code_in(wheel)
        assert code
        assert {name.parts[0] for name in code} == {"liq"}
        assert wheel.name.endswith("-py3-none-any.whl")


def test_no_file_is_in_two_wheels(wheels: Wheels) -> None:
    engine, schemas, devstack = (code_in(wheel) for wheel in wheels.all)
    assert engine.isdisjoint(schemas)
    assert engine.isdisjoint(devstack)
    assert schemas.isdisjoint(devstack)


def test_no_module_hides_the_other_folders_of_the_namespace(wheels: Wheels) -> None:
    for wheel in wheels.all:
        assert PurePosixPath("liq/__init__.py") not in code_in(wheel)
    folders = [ROOT / "liq", *ROOT.glob("*/liq")]
    assert len(folders) > 1
    assert [folder for folder in folders if list(folder.glob("*.py"))] == []


def test_the_wheels_hold_every_module_of_their_rooms(wheels: Wheels) -> None:
    rooms = {wheels.schemas: ["schemas"], wheels.devstack: ["devstack"]}
    rooms[wheels.engine] = [".", "processors", "producers", "runtime", "sinks", "web"]
    for wheel, folders in rooms.items():
        expected = {
            PurePosixPath(module.relative_to(ROOT / folder))
            for folder in folders
            for module in (ROOT / folder / "liq").rglob("*.py")
        }
        assert {name for name in code_in(wheel) if name.suffix == ".py"} == expected


def test_the_data_that_code_reads_is_in_the_wheels(wheels: Wheels) -> None:
    suffixes = {name.suffix for wheel in wheels.all for name in code_in(wheel)}
    assert {".sql", ".json", ".css", ".html", ".js", ".xml", ".typed"} <= suffixes


def test_the_engine_s_wheel_has_no_code_of_the_devstack(wheels: Wheels) -> None:
    assert [name for name in code_in(wheels.engine) if "devstack" in name.parts] == []


def test_versions_are_equal_and_the_engine_requires_its_own_schemas(wheels: Wheels) -> None:
    [version] = {metadata_of(wheel)["Version"] for wheel in wheels.all}
    assert f"liquidation-schemas=={version}" in requirements_of(wheels.engine)
    assert f"liquidation-engine=={version}" in requirements_of(wheels.devstack)
    extra = [line for line in requirements_of(wheels.engine) if "devstack" in line]
    assert [re.sub("['\"]", "", line) for line in extra] == [
        f"liquidation-devstack=={version}; extra == devstack"
    ]


def test_the_schemas_require_orjson_alone(wheels: Wheels) -> None:
    [requirement] = [each for each in requirements_of(wheels.schemas) if "extra ==" not in each]
    assert requirement.startswith("orjson")
