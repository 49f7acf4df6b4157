"""The file of `liq report --html` in a real Chromium: charts, no network, right on a phone."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.analytics.conftest import Warehouse
from tests.integration.analytics.test_commands import liq
from tests.integration.web.conftest import browser, new_page
from tests.support.axe import violations

if TYPE_CHECKING:
    from tests.integration.web.conftest import NewPage

pytestmark = pytest.mark.integration
#: Fixtures of another folder.
__all__ = ["browser", "new_page"]

#: Elements beyond the edge of the window, but for those of a part that scrolls by itself.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
    .filter((each) => !each.closest('.scroll, .u-wrap'))
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 80))"""
#: The charts that have drawn something: the share of their canvas that is not empty.
DRAWN = """() => [...document.querySelectorAll('figure canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, place) => place % 4 === 3 && value > 0);
})"""
#: The dollars that a chart's tables say, by column.
TABLE_SUM = """(column) => [...document.querySelectorAll('#series tbody tr')]
    .reduce((sum, row) => sum + Number(row.cells[column].textContent.replaceAll(',', '')), 0)"""
DATA_SUM = """(place) => JSON.parse(document.getElementById('data').textContent).series.sums
    .reduce((sum, each) => sum + each[place], 0)"""
INJECTED = """<script>window.attacked = 'a script'</script>
<img src="https://example.invalid/x.png" onerror="window.attacked = 'a handler'">
<script src="https://example.invalid/x.js"></script>"""


@pytest.fixture(scope="module")
def file(captured: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    made = liq(captured, "report", "--html", str(path))
    assert made.returncode == 0, made.stderr
    return path


def listen(page: Any) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


@pytest.mark.parametrize(
    ("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 23, 30)")]
)
async def test_the_report_is_one_file_and_right_at_the_width_of_a_phone(
    file: Path, new_page: "NewPage", scheme: str, ground: str
) -> None:
    phone = await new_page(width=390, color_scheme=scheme)
    asked = listen(phone)
    await phone.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert await phone.evaluate(DRAWN) == [True] * 7
    assert await phone.locator("details[open]").count() == 0
    assert await phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert await phone.evaluate(CUT_OFF) == []
    shown = await phone.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shown == ground
    assert await violations(phone) == []


async def test_charts_and_tables_show_the_same(file: Path, new_page: "NewPage") -> None:
    page = await new_page()
    await page.goto(file.as_uri())
    for place, column in ((1, 2), (2, 3)):
        drawn = await page.evaluate(DATA_SUM, place)
        assert drawn == pytest.approx(await page.evaluate(TABLE_SUM, column), abs=1)
    await page.hover("#cascade_seconds .u-over")
    readout = await page.inner_text("#cascade_seconds .readout")
    assert re.match(r"14:18:5\d|14:19:\d\d", readout)
    label = await page.get_attribute("#levels canvas", "aria-label")
    assert label.startswith("BTCUSDT from 2026-07-09 00:00:00 to 2026-07-11 00:00:00 UTC")
    assert "0 cascades" not in label


async def test_without_scripts_the_numbers_are_there(file: Path, new_page: "NewPage") -> None:
    page: Any = await new_page(width=390, has_scripts=False)
    await page.goto(file.as_uri())
    assert await page.locator("figure").count() == 7
    assert await page.locator("figure .chart").first.is_hidden()
    for table in await page.locator("figure table").all():
        assert await table.is_visible()
    assert await page.locator("noscript p").is_visible()


async def test_what_is_put_into_the_file_neither_runs_nor_loads(
    file: Path, new_page: "NewPage", tmp_path: Path
) -> None:
    changed = with_more(file, INJECTED, tmp_path / "changed.html")
    page = await new_page()
    failed: dict[str, str] = {}
    page.on("requestfailed", lambda request: failed.update({request.url: request.failure}))
    await page.goto(changed.as_uri())
    await page.evaluate(
        "document.body.append(Object.assign("
        "document.createElement('script'), {text: 'window.attacked = 1'}))"
    )
    assert await page.evaluate("window.attacked") is None
    assert failed == dict.fromkeys(
        ("https://example.invalid/x.png", "https://example.invalid/x.js"), "csp"
    )
    assert all("Content Security Policy" in line for line in page.refused)
    page.refused.clear()


def with_more(file: Path, markup: str, changed: Path) -> Path:
    text = file.read_text(encoding="utf-8")
    changed.write_text(text.replace("</main>", f"{markup}</main>"), encoding="utf-8")
    return changed
