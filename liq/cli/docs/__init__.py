"""The generated pages of docs/ and examples of deploy/; `python -m liq.cli.docs` writes them."""

from pathlib import Path

from liq.cli.docs.env_files import env_files
from liq.cli.docs.feeds import feeds_page
from liq.cli.docs.histories import history_page
from liq.cli.docs.metrics import metrics_page
from liq.cli.docs.page import DOCS
from liq.cli.docs.records import records_page
from liq.cli.docs.rights import rights_page
from liq.cli.docs.settings import settings_page
from liq.cli.docs.venues import venues_page

__all__ = ["pages"]


def pages() -> dict[Path, str]:
    """Return the text of every generated file."""
    return {
        DOCS / "feeds.md": feeds_page(),
        DOCS / "history.md": history_page(),
        DOCS / "metrics.md": metrics_page(),
        DOCS / "records.md": records_page(),
        DOCS / "rights.md": rights_page(),
        DOCS / "settings.md": settings_page(),
        DOCS / "venues.md": venues_page(),
        **env_files(),
    }
