"""Everything that is downloaded to run or build us is pinned, and has the hashes of its files."""

import re
import subprocess
import sys
from typing import Final

import pytest

from tests.support.paths import ROOT


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


CONSTRAINTS: Final = (ROOT / "constraints.txt").read_text()
PINNED: Final = {
    normal(name): hashes
    for name, hashes in re.findall(
        r"^(\S+?)==\S+(?: ;.*?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$",
        CONSTRAINTS,
        re.MULTILINE,
    )
}
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()


def listed(*extras: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "deploy" / "dependencies.py"
    return subprocess.run(
        [sys.executable, script, *extras], capture_output=True, text=True, check=False
    )


def names(*extras: str) -> set[str]:
    return {
        normal(re.split(r"[\[<>=~! ]", line)[0]) for line in listed(*extras).stdout.splitlines()
    }


def test_every_pin_has_hashes_and_no_address() -> None:
    assert len(PINNED) == CONSTRAINTS.count("==")
    assert [name for name, hashes in PINNED.items() if not hashes] == []
    assert "://" not in CONSTRAINTS
    assert "index" not in CONSTRAINTS


@pytest.mark.parametrize(
    "extras", [(), ("agents", "devstack", "dev", "notify", "redis", "web"), ("analysis",)]
)
def test_every_dependency_is_pinned_and_none_is_ours(extras: tuple[str, ...]) -> None:
    found = names(*extras)
    assert found <= PINNED.keys()
    assert {"aiokafka", "orjson"} <= found
    assert not any(name.startswith("liquidation") for name in found)


def test_extras_bring_what_they_name() -> None:
    assert {"mcp", "fastapi"} <= names("agents")
    assert "mcp" not in names("web")
    assert listed("agent").returncode == 1
    assert "no extra 'agent'" in listed("agent").stderr


def test_the_image_has_every_extra_of_a_worker() -> None:
    [extras] = re.findall(r"deploy/dependencies.py (\S.*) >", DOCKERFILE)
    assert extras.split() == ["agents", "notify", "redis", "web"]
    assert "--require-hashes" in DOCKERFILE
