"""The lists of contracts that venues declare, with the settings that replace their addresses."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from liq.processors.normalizers import known_exchanges
from liq.processors.normalizers.registry import VENUES
from liq.processors.normalizers.venue import ContractList
from liq.producers.feeds.settings import LISTING_SCHEMES, FeedSetting
from liq.producers.reference import ContractSource
from liq.runtime.errors import ConfigurationError


def listed_exchanges() -> tuple[str, ...]:
    """Return the exchanges that declare lists of contracts, in alphabetical order."""
    return tuple(exchange for exchange in known_exchanges() if VENUES[exchange].contracts)


def contract_sources(
    exchanges: Iterable[str], environment: Mapping[str, str]
) -> tuple[ContractSource, ...]:
    """Return the declared lists of some exchanges, with their settings applied.

    Raises:
        ConfigurationError: an address is invalid.
    """
    return tuple(
        ContractSource(
            exchange=exchange,
            address=_address(declared, environment),
            parse=declared.parse,
            lists=declared.lists,
            family_of=contracts.family_of,
        )
        for exchange in exchanges
        if (contracts := VENUES[exchange].contracts) is not None
        for declared in contracts.listed_by
    )


def contract_settings() -> tuple[FeedSetting, ...]:
    """Return the setting of every list."""
    return tuple(
        FeedSetting(
            declared.setting, declared.address, f"Where contracts of {exchange} are listed."
        )
        for exchange in listed_exchanges()
        if (contracts := VENUES[exchange].contracts) is not None
        for declared in contracts.listed_by
    )


def _address(declared: ContractList, environment: Mapping[str, str]) -> str:
    text = environment.get(declared.setting) or declared.address
    parts = urlsplit(text)
    if parts.scheme not in LISTING_SCHEMES or not parts.hostname or "@" in parts.netloc:
        raise ConfigurationError(
            f"{declared.setting}={text} is not an address; give one like {declared.address}"
        )
    return text
