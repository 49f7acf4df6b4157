"""The invented venue of docs/adding-a-venue.md, registered beside the existing venues."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path
from typing import Final

import liq.devstack.exchange.venues
import liq.processors.normalizers.venues
import liq.producers.feeds.venues
from tests.support.paths import DOCS

NAME: Final = "example"
PAGE: Final = DOCS / "adding-a-venue.md"
# A path on its own line, and the file's text below it.
FILE: Final = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PACKAGES: Final = {
    "devstack": liq.devstack.exchange.venues,
    "processors": liq.processors.normalizers.venues,
    "producers": liq.producers.feeds.venues,
}


def files_of_the_page() -> dict[str, str]:
    """Return the text of every file on the page, by its path in the checkout."""
    return dict(FILE.findall(PAGE.read_text(encoding="utf-8")))


@contextmanager
def beside_the_others(checkout: Path) -> Iterator[None]:
    """Write the page's files into an empty checkout, whose venues are importable in the block."""
    for name, text in files_of_the_page().items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    folders = {
        room: str(checkout.joinpath(room, *package.__name__.split(".")))
        for room, package in PACKAGES.items()
    }
    for room, package in PACKAGES.items():
        package.__path__.append(folders[room])
    invalidate_caches()
    try:
        yield
    finally:
        for room, package in PACKAGES.items():
            package.__path__.remove(folders[room])
            vars(package).pop(NAME, None)
        for name in [name for name in sys.modules if f".venues.{NAME}" in name]:
            del sys.modules[name]
