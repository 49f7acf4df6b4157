"""Endpoints and symbols of feeds, from the declarations or from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from liq.producers.feeds.feed import Feed
from liq.runtime.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Target:
    """A feed with what is in force for it. `names` is None where they are to be listed."""

    feed: Feed
    address: str
    names: tuple[str, ...] | None
    listing_address: str


def targets(feeds: tuple[Feed, ...], environment: Mapping[str, str]) -> tuple[Target, ...]:
    """What to connect to; feeds without anything to subscribe to are left out.

    Raises:
        ConfigurationError: an address is not one.
    """
    chosen = []
    for feed in feeds:
        names: tuple[str, ...] | None = feed.names
        text = environment.get(feed.names_setting or "", "")
        if text:
            names = tuple(word.strip() for word in text.split(",") if word.strip())
        elif feed.listing is not None:
            names = None
        if names == ():
            continue
        listing = feed.listing
        chosen.append(
            Target(
                feed,
                _address(environment, feed.address_setting, feed.address, {"ws", "wss"}),
                names,
                _address(environment, listing.setting, listing.address, {"http", "https"})
                if listing
                else "",
            )
        )
    return tuple(chosen)


def _address(environment: Mapping[str, str], setting: str, default: str, schemes: set[str]) -> str:
    text = environment.get(setting) or default
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigurationError(f"{setting}={text} is not an address; give one like {default}")
    if "@" in parts.netloc:
        # Feeds are public, and addresses are shown in logs and by `liq config`.
        raise ConfigurationError(f"{setting} has a user or password in it; give it without.")
    return text
