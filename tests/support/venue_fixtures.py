"""The fixtures of the venues: messages, and the events that they mean."""

from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

VENUE_FOLDERS: Final = ROOT / "devstack" / "liq" / "devstack" / "exchange" / "venues"


def fixture_paths(exchange: str = "*", folders: Path = VENUE_FOLDERS) -> list[Path]:
    """Return the fixtures of an exchange, or of all."""
    return sorted(folders.glob(f"{exchange}/fixtures/*.json"))


def exchange_of(fixture: Path) -> str:
    """Return the exchange whose folder a fixture is in."""
    return fixture.parents[1].name


def fixture_id(fixture: Path) -> str:
    """Return the name of a fixture among the tests' parameters."""
    return f"{exchange_of(fixture)}-{fixture.stem}"
