"""The page at a moment of the recording: accessible to all, and the pictures of the docs.

`make pictures` writes docs/images; without it the pictures are made and thrown away.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from liq.devstack.ports import LOOPBACK, free_port
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.support.axe import violations
from tests.support.paths import ROOT
from tests.support.web_scene import MOMENT_MS, recorded_scene
from tests.support.web_server import publish_clock, publish_records

if TYPE_CHECKING:
    from tests.conftest import RunWorker
    from tests.integration.web.conftest import NewPage

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]
LEAST_PICTURE_BYTES = 20_000


@pytest.fixture
def scene(settings: Settings, run_worker: "RunWorker") -> str:
    """The address of a server that has the moment in memory."""
    port, topics = free_port(), settings.topics
    found = recorded_scene()
    asyncio.run(ensure_topics(settings, ()))
    asyncio.run(
        publish_records(settings, {topics.events: found.events, topics.cascades: found.alerts})
    )
    asyncio.run(publish_clock(settings, MOMENT_MS))
    # No ClickHouse: what is shown of a cascade comes from memory.
    environment = {"WEB_PORT": str(port), "CLICKHOUSE_URL": f"http://{LOOPBACK}:{free_port()}"}
    run_worker("serve", settings=settings, environment=environment)
    return f"http://{LOOPBACK}:{port}"


async def picture(page: Any, folder: Path, name: str, *, is_whole: bool = False) -> None:
    if os.environ.get("PICTURES") == "write":
        folder = ROOT / "docs" / "images"
    shown = folder / name
    await page.screenshot(path=shown, full_page=is_whole)
    assert shown.stat().st_size > LEAST_PICTURE_BYTES


@pytest.mark.slow
async def test_the_page_at_a_moment_of_three_cascades(
    scene: str, new_page: "NewPage", tmp_path: Path
) -> None:
    for width, scheme, name in (
        (1360, "dark", "page.png"),
        (1360, "light", "page-light.png"),
        (390, "dark", "page-phone.png"),
    ):
        page = await new_page(width=width, color_scheme=scheme)
        await page.goto(scene)
        await page.locator("#open article").nth(2).wait_for()
        await page.wait_for_selector("#heat canvas[aria-label]")
        await page.wait_for_selector("#tape tr")
        assert await page.locator("#open article svg.spark").count() >= 1
        assert "Next minute" in await page.locator("#open").inner_text()
        assert "sampled: binance, okx" in await page.locator("#sums").inner_text()
        assert "14:19:10" in await page.locator("#clock").inner_text()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await violations(page) == []
        await picture(page, tmp_path, name)


@pytest.mark.slow
async def test_a_post_mortem_at_a_link(scene: str, new_page: "NewPage", tmp_path: Path) -> None:
    page = await new_page(color_scheme="dark")
    await page.goto(scene)
    row = page.locator("#ended tr", has_text="$4.02M")
    await row.locator("a").click()
    await page.wait_for_url("**/cascade/*")
    await page.get_by_role("heading", name="Price path").wait_for()
    assert "extreme" in await page.locator("main").inner_text()
    assert await violations(page) == []
    await picture(page, tmp_path, "cascade-page.png")
    another = await new_page(width=390, color_scheme="light")
    await another.goto(page.url)
    await another.get_by_role("heading", name="Price path").wait_for()
    assert await another.evaluate("document.documentElement.scrollWidth") <= 390
    assert await violations(another) == []
