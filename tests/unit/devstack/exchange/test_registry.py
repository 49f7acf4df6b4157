"""Dialects are found by their folders, and a mistaken folder fails at the start."""

import sys
from pathlib import Path

import pytest

from liq.devstack.exchange import venues
from liq.devstack.exchange.registry import DIALECTS, find_dialects, find_pasts
from tests.support.venue_fixtures import VENUE_FOLDERS

DIALECT_MODULE = """
from liq.devstack.exchange.dialect import Answer, Dialect

DIALECTS = (
    Dialect(
        exchange="somewhere",
        feed="feed",
        setting="SOMEWHERE_WS_URL",
        respond=lambda message, refused: Answer(),
        frame=lambda symbol, n: {},
        symbol="BTC",
        subscribes="BTC",
    ),
)
"""


def test_every_folder_of_a_venue_has_a_dialect_or_a_polled_history_and_fixtures() -> None:
    folders = {path.parent.name for path in VENUE_FOLDERS.glob("*/__init__.py")}
    polled = {each.exchange for each in find_pasts(venues) if each.frame is not None}
    assert {each.exchange for each in DIALECTS} | polled == folders
    assert not polled & {each.exchange for each in DIALECTS}
    assert {path.parent.name for path in VENUE_FOLDERS.glob("*/fixtures")} == folders


@pytest.mark.parametrize(
    ("folder", "module", "problem"),
    [
        ("forgotten", None, "forgotten.dialect"),
        ("empty", "", "must declare DIALECTS"),
        ("untyped", "DIALECTS = (5,)", "must declare DIALECTS"),
        ("elsewhere", DIALECT_MODULE, "declares somewhere"),
    ],
)
def test_a_mistaken_folder_is_named(
    folder: str, module: str | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "venues_under_test"
    (package / folder).mkdir(parents=True)
    for init in (package, package / folder):
        (init / "__init__.py").touch()
    if module is not None:
        (package / folder / "dialect.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        imported = __import__(package.name)
        with pytest.raises((ModuleNotFoundError, TypeError, ValueError), match=problem):
            find_dialects(imported)
    finally:
        for name in [name for name in sys.modules if name.startswith(package.name)]:
            del sys.modules[name]
