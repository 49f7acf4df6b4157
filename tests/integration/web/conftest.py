"""A real Chromium for the page's tests: Playwright (the extra `dev`) and Debian's `chromium`."""

import shutil
from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest

CHROMIUM = shutil.which("chromium")
WAIT_MS = 60_000


class NewPage(Protocol):
    """Open a page of a width, in a palette."""

    async def __call__(
        self, *, width: int = 1360, color_scheme: str = "light", has_scripts: bool = True
    ) -> Any: ...


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium (Debian: chromium)")
    async with playwright.async_playwright() as started:
        opened = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture
async def new_page(browser: Any) -> AsyncIterator[NewPage]:
    """Pages whose consoles stay silent."""
    troubles: list[str] = []

    def listen(line: Any) -> None:
        if line.type == "error":
            troubles.append(line.text)

    async def make(
        *, width: int = 1360, color_scheme: str = "light", has_scripts: bool = True
    ) -> Any:
        opened = await browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=color_scheme,
            java_script_enabled=has_scripts,
        )
        opened.set_default_timeout(WAIT_MS)
        opened.on("console", listen)
        opened.on("pageerror", lambda error: troubles.append(str(error)))
        opened.refused = troubles
        return opened

    yield make
    assert troubles == []


@pytest.fixture
async def page(new_page: NewPage) -> Any:
    return await new_page()
