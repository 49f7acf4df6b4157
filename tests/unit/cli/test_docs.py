"""Pages made from code are up to date, and links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

from liq.cli.docs import pages
from liq.schemas.topics import Topics
from tests.support.paths import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "data").glob("*.md")]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_made_from_code_is_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages()[page]


def test_the_page_of_topics_names_every_topic() -> None:
    page = (ROOT / "docs" / "topics.md").read_text(encoding="utf-8")
    specs = Topics().specs(("<exchange>",))
    assert [spec.name for spec in specs if f"`{spec.name}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
