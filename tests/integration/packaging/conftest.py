"""The project's three wheels, built once a session in pure Python and without a network."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.virtual_environment import build_wheels


@dataclass(frozen=True, slots=True)
class Wheels:
    """The wheel of each distribution."""

    engine: Path
    schemas: Path
    devstack: Path

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """The three paths."""
        return self.engine, self.schemas, self.devstack


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """Build `.`, `./schemas` and `./devstack`."""
    projects = (ROOT, ROOT / "schemas", ROOT / "devstack")
    return Wheels(*build_wheels(tmp_path_factory.mktemp("wheels"), projects))
