"""Settings of feeds: list them, reject mistyped names, and resolve feeds to targets.

Every feed declares the names of its settings; the environment replaces addresses and subscriptions.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from liq.producers.feeds import FeedSpec
from liq.producers.feeds.registry import ALL_FEEDS, FEEDS
from liq.producers.feeds.shards import WHOLE, Shard
from liq.runtime.errors import ConfigurationError
from liq.runtime.redaction import hide_key

# One or two letters differ; `OKX_API_URL` of another program differs more from `OKX_WS_URL`.
ALIKE: Final = 0.9
OUR_ENDINGS: Final = ("_WS_URL", "_SYMBOLS_URL")
WEBSOCKET_SCHEMES: Final = frozenset({"ws", "wss"})
LISTING_SCHEMES: Final = frozenset({"http", "https"})
#: The names of a feed that is off, in a setting of names.
NO_NAMES: Final = "none"
#: The shard with the feeds that one process joins owns this name.
JOINED: Final = "joined"
LOOPBACKS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# Characters that need no escape in an address; long enough to be no ordinary word of a log.
_KEY = re.compile(r"[A-Za-z0-9._~-]{8,512}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeedSetting:
    """A setting's name in the environment, its default as text, and its meaning."""

    name: str
    default: str
    meaning: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A feed with its settings applied. `names` is None where the venue lists its markets.

    An address from the environment has no `alternatives`. `address` does not include the `key`;
    `with_key` adds it. Of the markets that a venue lists, those of the `shard` are subscribed.
    The producer may select `spare` more names by itself.
    """

    feed: FeedSpec
    address: str
    names: tuple[str, ...] | None
    listing_address: str
    alternatives: tuple[str, ...] = ()
    key: str = field(default="", repr=False)
    shard: Shard = WHOLE
    spare: int = 0

    def with_key(self, address: str) -> str:
        """Return an address with the key, only to connect to: it must not be logged or shown."""
        if not self.key:
            return address
        parts = urlsplit(address)
        query = [*parse_qsl(parts.query), (self.feed.key_parameter, self.key)]
        return parts._replace(query=urlencode(query)).geturl()


def feed_settings(feeds: Iterable[FeedSpec]) -> tuple[FeedSetting, ...]:
    """Return every setting of some feeds, each once; feeds may share an address."""
    found: dict[str, FeedSetting] = {}
    for feed in feeds:
        settings = [FeedSetting(feed.address_setting, feed.address, f"Websocket of {feed.label}.")]
        if feed.names_setting is not None:
            default = "every market" if feed.listing else ",".join(feed.names) or "none"
            meaning = f"What {feed.label} subscribes to, comma separated; `{NO_NAMES}` for nothing."
            settings.append(FeedSetting(feed.names_setting, default, meaning))
        if feed.spare_setting is not None:
            meaning = f"How many more names {feed.label} selects by itself; 0 for none."
            settings.append(FeedSetting(feed.spare_setting, str(feed.spare_names), meaning))
        if feed.key_setting is not None:
            meaning = f"Key of {feed.label}, which is off without one."
            settings.append(FeedSetting(feed.key_setting, "", meaning, is_secret=True))
        if feed.listing is not None:
            meaning = f"Where the markets of {feed.label} are listed."
            settings.append(FeedSetting(feed.listing.setting, feed.listing.address, meaning))
        for setting in settings:
            found.setdefault(setting.name, setting)
    return tuple(found.values())


def choose_targets(
    exchanges: tuple[str, ...], environment: Mapping[str, str], shard: Shard = WHOLE
) -> tuple[Target, ...]:
    """Return the targets of some exchanges, or of a shard of them.

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
    whole = tuple(
        target for exchange in exchanges for target in resolve_targets(FEEDS[exchange], environment)
    )
    if not whole:
        raise ConfigurationError("There is nothing to subscribe to; see docs/feeds.md.")
    found = tuple(filter(None, (_part(target, shard) for target in whole)))
    if not found:
        raise ConfigurationError(
            f"Shard {shard.number} of {shard.count} has nothing to subscribe to: there are too few "
            "venues and symbols for so many. Set PRODUCE_SHARDS to a smaller number."
        )
    return found


def _part(target: Target, shard: Shard) -> Target | None:
    """Return a target with the names of a shard, or None if the shard has no name of it."""
    if target.feed.is_joined:
        return target if shard.owns(target.feed.exchange, JOINED) else None
    if target.names is None:
        return replace(target, shard=shard)
    names = shard.own(target.feed.label, target.names)
    return replace(target, names=names, shard=shard) if names else None


def resolve_targets(
    feeds: Iterable[FeedSpec], environment: Mapping[str, str]
) -> tuple[Target, ...]:
    """Apply the environment to feeds, and leave out those without a name or a needed key.

    Raises:
        ConfigurationError: an address or a key is not valid.
    """
    resolved = []
    for feed in feeds:
        names = _names(feed, environment)
        if names == ():
            continue
        address = checked_address(
            environment, feed.address_setting, feed.address, WEBSOCKET_SCHEMES
        )
        key = _key(feed, environment, address)
        if feed.key_setting is not None and not key:
            continue
        listing = feed.listing
        listing_address = (
            checked_address(environment, listing.setting, listing.address, LISTING_SCHEMES)
            if listing
            else ""
        )
        alternatives = () if environment.get(feed.address_setting) else feed.alternatives
        spare = _spare(feed, environment, names)
        resolved.append(
            Target(feed, address, names, listing_address, alternatives, key, spare=spare)
        )
    return tuple(resolved)


def checked_address(
    environment: Mapping[str, str], setting: str, default: str, schemes: frozenset[str]
) -> str:
    """Return an address from the environment, or the default.

    Raises:
        ConfigurationError: the text is not an address, or has a user or password.
    """
    text = environment.get(setting) or default
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigurationError(f"{setting}={text} is not an address; give one like {default}")
    if "@" in parts.netloc:
        # Feeds are public, and addresses are shown in logs and by `liq config`.
        raise ConfigurationError(f"{setting} has a user or password in it; give it without.")
    return text


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
    found = names_of(environment.get(feed.names_setting or "", ""))
    if found is not None:
        return found
    return None if feed.listing is not None else feed.names


def names_of(text: str) -> tuple[str, ...] | None:
    """Return the names in a setting's text; None for an empty text."""
    if text.strip().lower() == NO_NAMES:
        return ()
    return tuple(word.strip() for word in text.split(",") if word.strip()) if text else None


def _spare(feed: FeedSpec, environment: Mapping[str, str], names: tuple[str, ...] | None) -> int:
    """Return how many names a feed may select beside its own.

    Raises:
        ConfigurationError: the setting is not a number, or there is no room for so many.
    """
    if feed.spare_setting is None:
        return 0
    room = max(0, feed.names_a_connection - len(names or ()))
    text = environment.get(feed.spare_setting, "").strip()
    if not text:
        return min(feed.spare_names, room)
    if not (text.isascii() and text.isdigit() and int(text) <= room):
        raise ConfigurationError(
            f"{feed.spare_setting}={text} is not a number from 0 to {room}: the venue serves "
            f"{feed.names_a_connection} names, and {feed.names_setting} has {len(names or ())}."
        )
    return int(text)


def _key(feed: FeedSpec, environment: Mapping[str, str], address: str) -> str:
    """Return the key of a feed, or "" without one; logs hide the key from now on."""
    name = feed.key_setting
    key = environment.get(name, "").strip() if name is not None else ""
    if not key:
        if name is not None and environment.get(feed.address_setting):
            raise ConfigurationError(f"{feed.address_setting} needs {name}; set the stream's key.")
        return ""
    if _KEY.fullmatch(key) is None:
        raise ConfigurationError(
            f"{name} is no key: it has 8 to 512 letters, digits and the characters . _ ~ -"
        )
    parts = urlsplit(address)
    if parts.scheme != "wss" and parts.hostname not in LOOPBACKS:
        raise ConfigurationError(f"{feed.address_setting} has to begin with wss: it takes a key.")
    hide_key(key)
    return key
