"""Accessibility rules of axe, asked of a page in Chromium."""

from typing import Any, Final

import pytest

#: What axe is asked for: WCAG 2.2 up to level AA.
RULES: Final = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}


async def violations(page: Any) -> list[str]:
    """Return each rule that the page breaks, with the first element that does."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    found = await axe.Axe().run(page, options=RULES)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found.response["violations"]
    ]
