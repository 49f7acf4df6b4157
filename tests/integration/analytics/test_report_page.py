"""The page of `liq report --html` in a real Chromium: one file, no network, right on a phone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.analytics.conftest import Warehouse
from tests.integration.analytics.test_commands import liq
from tests.integration.web.conftest import browser, new_page

if TYPE_CHECKING:
    from tests.integration.web.conftest import NewPage

pytestmark = pytest.mark.integration
#: Fixtures of another folder.
__all__ = ["browser", "new_page"]

#: Elements beyond the edge of the window, but for those of a part that scrolls by itself.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
    .filter((each) => !each.closest('.scroll, .wide, svg'))
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 80))"""


async def test_the_report_is_one_file_and_right_at_the_width_of_a_phone(
    captured: Warehouse, new_page: "NewPage", tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    assert liq(captured, "report", "--html", str(file)).returncode == 0
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(18, 22, 28)")):
        phone: Any = await new_page(width=390, color_scheme=scheme)
        asked: list[str] = []
        phone.on("request", lambda request, asked=asked: asked.append(request.url))
        await phone.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert await phone.locator("svg").count() >= 3
        assert await phone.evaluate("document.documentElement.scrollWidth") <= 390
        assert await phone.evaluate(CUT_OFF) == []
        shown = await phone.evaluate("getComputedStyle(document.body).backgroundColor")
        assert shown == ground
