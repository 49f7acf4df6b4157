"""Settings of histories: their addresses, and the addresses of their subjects' listings."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.settings import (
    LISTING_SCHEMES,
    FeedSetting,
    checked_address,
    feed_settings,
    names_of,
)
from liq.producers.history.asker import Source
from liq.producers.history.positions import PositionSource, ReadSnapshot
from liq.producers.history.registry import HISTORIES, NO_HISTORY, POSITIONS
from liq.producers.history.spec import HistorySpec


def history_settings() -> tuple[FeedSetting, ...]:
    """Return the settings of all addresses, and those shared with live feeds, each once."""
    of_feeds = {setting.name: setting for setting in feed_settings(ALL_FEEDS)}
    found: dict[str, FeedSetting] = {}
    for spec in HISTORIES:
        meaning = f"Where the history of {spec.exchange}.{spec.feed} is asked."
        found.setdefault(spec.setting, FeedSetting(spec.setting, spec.address, meaning))
        if spec.listing is not None:
            meaning = f"Lists what the history of {spec.exchange}.{spec.feed} is asked about."
            setting = spec.listing.setting
            found.setdefault(setting, FeedSetting(setting, spec.listing.address, meaning))
        for shared in (spec.subjects_setting, spec.left_out_setting):
            if shared is not None:
                found.setdefault(shared, of_feeds[shared])
    for each in POSITIONS:
        meaning = f"Where the open positions of {each.exchange} are listed."
        found.setdefault(each.setting, FeedSetting(each.setting, each.address, meaning))
    return tuple(found.values())


def position_sources(
    exchanges: Collection[str], environment: Mapping[str, str], read: ReadSnapshot
) -> tuple[PositionSource, ...]:
    """Return the lists of open positions of some exchanges, with their settings applied.

    Raises:
        ConfigurationError: an address is not valid.
    """
    return tuple(
        PositionSource(
            spec,
            checked_address(environment, spec.setting, spec.address, LISTING_SCHEMES),
            read,
        )
        for spec in POSITIONS
        if spec.exchange in exchanges
    )


def history_sources(
    exchanges: Collection[str], environment: Mapping[str, str]
) -> tuple[Source, ...]:
    """Return the histories of some exchanges, with their settings applied.

    Raises:
        ConfigurationError: an address is not valid.
    """
    return tuple(
        Source(
            _configured(spec, environment),
            checked_address(environment, spec.setting, spec.address, LISTING_SCHEMES),
            ""
            if spec.listing is None
            else checked_address(
                environment, spec.listing.setting, spec.listing.address, LISTING_SCHEMES
            ),
        )
        for spec in HISTORIES
        if spec.exchange in exchanges
    )


def _configured(spec: HistorySpec, environment: Mapping[str, str]) -> HistorySpec:
    """Return a history with the subjects that a setting names, and what is left out."""
    if environment.get(spec.left_out_setting or "", "").strip() == "0":
        spec = replace(spec, left_out="")
    names = names_of(environment.get(spec.subjects_setting or "", ""))
    return spec if names is None else replace(spec, subjects=names)


def without_completion(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return the sources without polls that complete a live feed; polls that are a feed remain."""
    return tuple(
        each
        if each.spec.poll is None or each.spec.poll.is_live
        else replace(each, spec=replace(each.spec, poll=None))
        for each in sources
    )


def without_history(exchanges: Collection[str]) -> dict[tuple[str, str], str]:
    """Map the feeds of some exchanges that no history repairs to the reasons."""
    return {feed: reason for feed, reason in NO_HISTORY.items() if feed[0] in exchanges}
