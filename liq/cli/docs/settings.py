"""docs/settings.md: every environment variable."""

from typing import Final

from liq.cli.contract_lists import contract_settings
from liq.cli.docs.page import code, table
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.settings import feed_settings
from liq.producers.history.settings import history_settings
from liq.runtime.settings import Settings, default_text

HEAD: Final = """# Settings

Environment variables; an empty one counts as absent. `liq config` prints what is in force, and says
what is wrong. `python -m liq.cli.docs` makes this page from `liq.runtime.settings` and the declared
feeds.

## Every worker

"""

FEEDS_HEAD: Final = """
## Feeds

For `liq produce`; [feeds.md](feeds.md) says what each feed subscribes to. A name that begins like
one of these and is none is refused.

"""

CONTRACTS_HEAD: Final = """
## Lists of contracts

For `liq reference` and `liq instruments refresh`.

"""

HISTORIES_HEAD: Final = """
## Histories

For `liq backfill`; [history.md](history.md#gaps-that-heal) says what each is asked.

"""

COLUMNS: Final = ("setting", "default", "meaning")


def settings_page() -> str:
    """Return the text of docs/settings.md."""
    rows = []
    for name, field in Settings.model_fields.items():
        rows.append((code(name.upper()), code(default_text(name)), field.description or ""))
    feeds = [
        (code(setting.name), code(setting.default), setting.meaning)
        for setting in feed_settings(ALL_FEEDS)
    ]
    contracts = [
        (code(setting.name), code(setting.default), setting.meaning)
        for setting in contract_settings()
    ]
    histories = [
        (code(setting.name), code(setting.default), setting.meaning)
        for setting in history_settings()
    ]
    return (
        HEAD
        + table(COLUMNS, rows)
        + FEEDS_HEAD
        + table(COLUMNS, feeds)
        + CONTRACTS_HEAD
        + table(COLUMNS, contracts)
        + HISTORIES_HEAD
        + table(COLUMNS, histories)
    )
