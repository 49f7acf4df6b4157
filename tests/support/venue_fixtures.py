"""The fixtures of the venues: messages and their expected events."""

from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

VENUE_FOLDERS: Final = ROOT / "devstack" / "liq" / "devstack" / "exchange" / "venues"


def fixture_paths(exchange: str = "*", folders: Path = VENUE_FOLDERS) -> list[Path]:
    """Return the fixtures of an exchange, or of all."""
    return sorted(folders.glob(f"{exchange}/fixtures/*.json"))


def exchange_of(fixture: Path) -> str:
    """Return the exchange of a fixture, by its folder."""
    return fixture.parents[1].name


def fixture_id(fixture: Path) -> str:
    """Return the id of a fixture among the tests' parameters."""
    return f"{exchange_of(fixture)}-{fixture.stem}"
