"""The live page in a real Chromium: what it shows against the log, filters, reconnects, sizes.

It needs Playwright (the extra `dev`) and Debian's package `chromium`.
"""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import liq.web
from liq.devstack.ports import LOOPBACK, free_port
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.vocabulary import AlertType
from tests.support import sample_records
from tests.support.web_records import liquidation
from tests.support.web_server import publish_records

if TYPE_CHECKING:
    from tests.conftest import RunWorker
    from tests.integration.web.conftest import NewPage

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

HOSTILE = "<img src=x onerror=alert(1)>"


def alerts() -> list[bytes]:
    now_ms = int(time.time() * 1000)
    opened = replace(
        sample_records.alert(1),
        cascade_id="a" * 32, alert_id="1" * 32, type=AlertType.DETECTED, asset="BTC",
        explanation=f"BTC longs: {HOSTILE}", started_at_ms=now_ms, ended_at_ms=None,
    )  # fmt: skip
    ended = replace(
        opened, cascade_id="b" * 32, alert_id="2" * 32, type=AlertType.ENDED, asset="ETH",
        ended_at_ms=now_ms,
    )  # fmt: skip
    return [encode(opened), encode(ended)]


def recent(first: int, count: int, **changes: Any) -> list[bytes]:
    now_ms = int(time.time() * 1000)
    return [liquidation(n, timestamp_ms=now_ms + n, **changes) for n in range(first, first + count)]


@pytest.fixture
def site(settings: Settings, run_worker: "RunWorker") -> str:
    port = free_port()
    topics = settings.topics
    asyncio.run(ensure_topics(settings, ()))
    feed = encode(sample_records.feed_status(1))
    asyncio.run(
        publish_records(
            settings,
            {topics.events: recent(0, 20), topics.cascades: alerts(), topics.feeds: [feed]},
        )
    )
    run_worker("serve", settings=settings, environment={"WEB_PORT": str(port)})
    return f"http://{LOOPBACK}:{port}"


async def test_the_overview_shows_what_the_log_has(
    page: Any, site: str, settings: Settings
) -> None:
    await page.goto(site)
    await page.wait_for_selector("#tape tr")
    assert await page.locator("#tape tr").count() == 20
    assert await page.locator("#open article").count() == 1
    assert await page.locator("#ended tr").count() == 1
    assert HOSTILE in await page.locator("#open article").inner_text()
    assert await page.locator("#open img").count() == 0
    assert sample_records.feed_status(1).exchange in await page.locator("#venues").inner_text()
    large = recent(900, 1, value_usd=Decimal(2_500_000), base="SOL")
    await publish_records(settings, {settings.topics.events: large})
    row = page.locator("#tape tr.large")
    await row.wait_for()
    assert "SOL" in await row.inner_text()
    assert "$2.50M" in await row.inner_text()


async def test_filters_apply_to_what_comes(page: Any, site: str, settings: Settings) -> None:
    await page.goto(site)
    await page.wait_for_selector("#tape tr")
    async with page.expect_response(lambda answer: "asset=SOL" in answer.url):
        await page.fill("input[name=asset]", "SOL")
        await page.keyboard.press("Tab")
    events = recent(500, 3, base="BTC") + recent(600, 2, base="SOL")
    await publish_records(settings, {settings.topics.events: events})
    await page.locator("#tape tr").nth(1).wait_for()
    assert await page.locator("#tape tr").count() == 2
    assert "BTC" not in await page.locator("#tape").inner_text()


async def test_a_cascade_has_a_page_of_its_own(page: Any, site: str) -> None:
    await page.goto(site)
    await page.locator("#open article a").click()
    await page.wait_for_selector("table tbody tr")
    assert page.url.endswith("/cascade/" + "a" * 32)
    assert "detected" in await page.locator("table").inner_text()


async def test_many_liquidations_are_summed_and_the_largest_shown(
    page: Any, site: str, settings: Settings
) -> None:
    await page.goto(site)
    await page.wait_for_selector("#tape tr")
    events = recent(1_000, 3_000, value_usd=Decimal(10)) + recent(
        4_000, 1, value_usd=Decimal(5_000_000), base="SOL"
    )
    await publish_records(settings, {settings.topics.events: events})
    await page.locator("#tape tr.large").wait_for()
    await page.get_by_text("3,021").wait_for()
    assert await page.locator("#tape tr").count() <= 80
    sums = await page.locator("#sums").inner_text()
    assert "$5.01M" in sums


@pytest.mark.slow
async def test_a_page_comes_back_after_its_server(
    page: Any, settings: Settings, run_worker: "RunWorker"
) -> None:
    port = free_port()
    await ensure_topics(settings, ())
    await publish_records(settings, {settings.topics.events: recent(0, 3)})
    environment = {"WEB_PORT": str(port)}
    server = await asyncio.to_thread(
        run_worker, "serve", settings=settings, environment=environment
    )
    await page.goto(f"http://{LOOPBACK}:{port}")
    await page.wait_for_selector("#tape tr")
    await asyncio.to_thread(server.stop)
    await page.get_by_text("The connection is lost").wait_for()
    await publish_records(settings, {settings.topics.events: recent(10, 4, base="SOL")})
    await asyncio.to_thread(run_worker, "serve", settings=settings, environment=environment)
    await page.locator("#tape tr").nth(6).wait_for()
    assert await page.locator("#tape tr").count() == 7
    page.refused.clear()  # the browser says of each attempt that it was refused


async def test_a_page_that_slept_shows_what_came_meanwhile(
    page: Any, site: str, settings: Settings
) -> None:
    await page.goto(site)
    await page.wait_for_selector("#tape tr")
    browser = await page.context.new_cdp_session(page)
    # As a laptop's lid or a tab in the background does: no timer and no message runs.
    await browser.send("Page.setWebLifecycleState", {"state": "frozen"})
    first, second = recent(100, 30, base="SOL"), recent(200, 5, base="XRP")
    await publish_records(settings, {settings.topics.events: first})
    await publish_records(settings, {settings.topics.events: second})
    await browser.send("Page.setWebLifecycleState", {"state": "active"})
    await page.locator("#tape tr").nth(54).wait_for()
    assert await page.locator("#tape tr").count() == 55
    assert await page.locator("#tape tr", has_text="SOL").count() == 30
    assert await page.locator("#tape tr", has_text="XRP").count() == 5
    live = recent(300, 1, base="DOGE")
    await publish_records(settings, {settings.topics.events: live})
    await page.locator("#tape tr", has_text="DOGE").wait_for()
    assert await page.locator("#tape tr").count() == 56


async def test_a_page_asks_for_its_token(
    page: Any, settings: Settings, run_worker: "RunWorker"
) -> None:
    port, token = free_port(), "a-token-of-many-characters"
    await ensure_topics(settings, ())
    await publish_records(settings, {settings.topics.events: recent(0, 3)})
    environment = {"WEB_PORT": str(port), "WEB_TOKENS": token}
    await asyncio.to_thread(run_worker, "serve", settings=settings, environment=environment)
    await page.goto(f"http://{LOOPBACK}:{port}")
    await page.fill("input[name=token]", token)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#tape tr")
    assert token not in page.url
    page.refused.clear()  # the first answer was 401


def test_the_script_is_small() -> None:
    folder = Path(liq.web.__file__).parent / "page"
    assert sum(file.stat().st_size for file in folder.rglob("*.js")) <= 300_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_scrolls_in_one_direction(
    new_page: "NewPage", site: str, scheme: str
) -> None:
    phone = await new_page(width=390, color_scheme=scheme)
    await phone.goto(site)
    await phone.wait_for_selector("#tape tr")
    assert await phone.evaluate("document.documentElement.scrollWidth") <= 390
    ground = await phone.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")


async def test_everything_can_be_reached_by_keyboard(page: Any, site: str) -> None:
    await page.goto(site)
    await page.wait_for_selector("#open article")
    seen = set()
    for _ in range(35):
        await page.keyboard.press("Tab")
        seen.add(
            await page.evaluate("document.activeElement.name || document.activeElement.textContent")
        )
    assert {"exchange", "asset", "side", "min_usd"} <= seen
    assert any("BTC longs" in str(each) for each in seen)
