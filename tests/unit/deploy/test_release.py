"""A release: one version everywhere, the changelog cut, wrong wishes refused with a sentence."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from deploy.release import (
    CHANGELOG,
    STATED,
    ReleaseError,
    current_version,
    cut,
    cut_changelog,
    stated_versions,
)
from tests.support.paths import ROOT

DAY = date(2026, 12, 1)
TEXT = "# Changelog\n\n## Unreleased\n\n### Added\n\n- This.\n\n## 0.1.0 - 2026-01-01\n\n- That.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in (CHANGELOG, *STATED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_files_of_the_project_state_one_version() -> None:
    assert str(current_version(ROOT))


def test_what_is_unreleased_gets_the_heading_of_the_version() -> None:
    released = cut_changelog(TEXT, "0.2.0", DAY)
    assert released == TEXT.replace(
        "## Unreleased\n", "## Unreleased\n\n## 0.2.0 - 2026-12-01\n", 1
    )
    with pytest.raises(ReleaseError, match="nothing under"):
        cut_changelog(released, "0.3.0", DAY)
    with pytest.raises(ReleaseError, match=r"section of 0\.1\.0"):
        cut_changelog(TEXT, "0.1.0", DAY)
    with pytest.raises(ReleaseError, match="no heading"):
        cut_changelog("# Changelog\n", "0.2.0", DAY)


def test_a_release_writes_its_version_into_every_file(checkout: Path) -> None:
    cut(checkout, "7.1.0", DAY)
    assert all(found == {"7.1.0"} for found in stated_versions(checkout).values())
    assert "\n## 7.1.0 - 2026-12-01\n" in (checkout / CHANGELOG).read_text()
    changed = (checkout / "pyproject.toml").read_text()
    assert changed.count("7.1.0") == 3
    assert (
        changed.replace("7.1.0", str(current_version(ROOT)))
        == (ROOT / "pyproject.toml").read_text()
    )


@pytest.mark.parametrize(
    ("wanted", "words"), [("later", "is no version"), ("0.0.1", "is not above")]
)
def test_a_wrong_wish_changes_nothing(checkout: Path, wanted: str, words: str) -> None:
    before = {name: (checkout / name).read_text() for name in STATED}
    with pytest.raises(ReleaseError, match=words):
        cut(checkout, wanted, DAY)
    assert {name: (checkout / name).read_text() for name in STATED} == before


def test_files_that_disagree_are_named(checkout: Path) -> None:
    chart = checkout / "deploy/helm/liquidation-engine/Chart.yaml"
    chart.write_text(chart.read_text().replace("appVersion: ", "appVersion: 9."))
    with pytest.raises(ReleaseError, match=r"Chart\.yaml"):
        cut(checkout, "7.1.0", DAY)
