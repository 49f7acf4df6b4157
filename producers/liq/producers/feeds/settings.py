"""Settings of feeds: list them, reject mistyped names, and resolve feeds to targets.

Every feed declares the names of its settings; the environment replaces addresses and subscriptions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

from liq.producers.feeds import FeedSpec
from liq.producers.feeds.registry import ALL_FEEDS, FEEDS
from liq.runtime.errors import ConfigurationError

# One or two letters apart; `OKX_API_URL`, of some other program, is further from `OKX_WS_URL`.
ALIKE: Final = 0.9
OUR_ENDINGS: Final = ("_WS_URL", "_SYMBOLS_URL")
WEBSOCKET_SCHEMES: Final = frozenset({"ws", "wss"})
LISTING_SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class FeedSetting:
    """A setting's name in the environment, its default as text, and its meaning."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Target:
    """A feed with its settings applied. `names` is None where the venue lists its markets.

    An address that the user chose has no `alternatives`.
    """

    feed: FeedSpec
    address: str
    names: tuple[str, ...] | None
    listing_address: str
    alternatives: tuple[str, ...] = ()


def feed_settings(feeds: Iterable[FeedSpec]) -> tuple[FeedSetting, ...]:
    """Return every setting of some feeds, each once; feeds may share an address."""
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


def choose_targets(
    exchanges: tuple[str, ...], environment: Mapping[str, str]
) -> tuple[Target, ...]:
    """Return the targets of some exchanges.

    Raises:
        ConfigurationError: an exchange or a setting is wrong, or there is no target.
    """
    _reject_mistyped_names(environment)
    unknown = [name for name in exchanges if name not in FEEDS]
    if unknown:
        raise ConfigurationError(
            f"There is no producer for {', '.join(unknown)}; there is one for "
            f"{', '.join(sorted(FEEDS))}."
        )
    found = tuple(
        target for exchange in exchanges for target in resolve_targets(FEEDS[exchange], environment)
    )
    if not found:
        raise ConfigurationError("There is nothing to subscribe to; see docs/feeds.md.")
    return found


def resolve_targets(
    feeds: Iterable[FeedSpec], environment: Mapping[str, str]
) -> tuple[Target, ...]:
    """Apply the environment to some feeds, leaving out those without any name to subscribe.

    Raises:
        ConfigurationError: an address is not one.
    """
    resolved = []
    for feed in feeds:
        names = _names(feed, environment)
        if names == ():
            continue
        address = _address(environment, feed.address_setting, feed.address, WEBSOCKET_SCHEMES)
        listing = feed.listing
        listing_address = (
            _address(environment, listing.setting, listing.address, LISTING_SCHEMES)
            if listing
            else ""
        )
        alternatives = () if environment.get(feed.address_setting) else feed.alternatives
        resolved.append(Target(feed, address, names, listing_address, alternatives))
    return tuple(resolved)


def _reject_mistyped_names(environment: Mapping[str, str]) -> None:
    """Reject an environment variable that resembles a setting but is not one (likely a typo).

    Raises:
        ConfigurationError: there is such a variable; the message names the likely setting.
    """
    known = [setting.name for setting in feed_settings(ALL_FEEDS)]
    prefixes = tuple(f"{exchange.upper()}_" for exchange in FEEDS)
    for name in sorted(environment):
        if name in known or not name.startswith(prefixes):
            continue
        cutoff = 0.0 if name.endswith(OUR_ENDINGS) else ALIKE
        if meant := get_close_matches(name, known, n=1, cutoff=cutoff):
            raise ConfigurationError(f"{name} is not a setting; did you mean {meant[0]}?")


def _names(feed: FeedSpec, environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the names to subscribe: the environment's, None for a listing, or the feed's own."""
    text = environment.get(feed.names_setting or "", "")
    if text:
        return tuple(word.strip() for word in text.split(",") if word.strip())
    return None if feed.listing is not None else feed.names


def _address(
    environment: Mapping[str, str], setting: str, default: str, schemes: frozenset[str]
) -> str:
    text = environment.get(setting) or default
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigurationError(f"{setting}={text} is not an address; give one like {default}")
    if "@" in parts.netloc:
        # Feeds are public, and addresses are shown in logs and by `liq config`.
        raise ConfigurationError(f"{setting} has a user or password in it; give it without.")
    return text
