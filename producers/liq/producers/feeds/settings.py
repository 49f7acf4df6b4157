"""The settings that feeds declare: addresses, listings and names, by environment name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from liq.producers.feeds.feed import Feed
from liq.runtime.errors import ConfigurationError

# One or two letters apart; `OKX_API_URL`, of some other program, is further from `OKX_WS_URL`.
ALIKE: Final = 0.9
OUR_ENDINGS: Final = ("_WS_URL", "_SYMBOLS_URL")


@dataclass(frozen=True, slots=True)
class FeedSetting:
    """A setting's name in the environment, its default as text, and what it means."""

    name: str
    default: str
    meaning: str


def feed_settings(feeds: Iterable[Feed]) -> tuple[FeedSetting, ...]:
    """Every setting of some feeds, each once; feeds may share an address."""
    found: dict[str, FeedSetting] = {}
    for feed in feeds:
        settings = [FeedSetting(feed.address_setting, feed.address, f"Websocket of {feed.label}.")]
        if feed.names_setting is not None:
            default = "every market" if feed.listing else ",".join(feed.names) or "none"
            meaning = f"What {feed.label} subscribes to, comma separated."
            settings.append(FeedSetting(feed.names_setting, default, meaning))
        if feed.listing is not None:
            meaning = f"Where the markets of {feed.label} are listed."
            settings.append(FeedSetting(feed.listing.setting, feed.listing.address, meaning))
        for setting in settings:
            found.setdefault(setting.name, setting)
    return tuple(found.values())


def check_names(feeds: Iterable[Feed], environment: Mapping[str, str]) -> None:
    """Refuse names that look like one of these settings and are none.

    Raises:
        ConfigurationError: there is such a name; the message says what was probably meant.
    """
    feeds = tuple(feeds)
    known = [setting.name for setting in feed_settings(feeds)]
    prefixes = tuple({f"{feed.exchange.upper()}_" for feed in feeds})
    for name in sorted(environment):
        if name in known or not name.startswith(prefixes):
            continue
        cutoff = 0.0 if name.endswith(OUR_ENDINGS) else ALIKE
        if meant := get_close_matches(name, known, n=1, cutoff=cutoff):
            raise ConfigurationError(f"{name} is not a setting; did you mean {meant[0]}?")
