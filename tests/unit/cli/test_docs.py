"""Pages made from code are up to date, and links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

from liq.cli.docs import pages
from liq.cli.docs.page import with_part
from liq.cli.docs.venues import venue_section
from liq.schemas.topics import Topics
from tests.support.paths import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")]
MARKED = """Before.

<!-- rows: written by `python -m liq.cli.docs`, do not edit -->

old

<!-- end of rows -->

After.
"""


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


def test_a_part_of_a_page_is_replaced_between_its_marks() -> None:
    page = with_part(MARKED, "rows", "new\n")
    assert page == MARKED.replace("old", "new")
    assert with_part(page, "rows", "new\n") == page


@pytest.mark.parametrize("page", ["", MARKED.replace("end of rows", "end")])
def test_a_page_without_the_marks_of_a_part_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="end of rows"):
        with_part(page, "rows", "new\n")


def test_a_venue_s_section_is_headed_by_its_name() -> None:
    section = venue_section("Somewhere futures: every trade.\n\n- No id.\n")
    assert section == "### Somewhere futures\n\nEvery trade.\n\n- No id.\n"


@pytest.mark.parametrize("docstring", ["", "No name", "No name\nhere: indeed."])
def test_a_docstring_without_the_name_of_a_venue_is_an_error(docstring: str) -> None:
    with pytest.raises(ValueError, match="name and a colon"):
        venue_section(docstring)
