"""Fetching the venues' lists of contracts over the network."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

import aiohttp

from liq.processors.normalizers.metadata import from_bitmex, from_ccxt
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.schemas.records import Instrument

BITMEX_LIST_URL: Final = "https://www.bitmex.com/api/v1/instrument/active"
FETCH_SECONDS: Final = 60.0

# The venues whose sizes are contracts, and ccxt's classes that list them.
CCXT_CLASSES: Final[Mapping[str, tuple[str, ...]]] = {
    "binance": ("binancecoinm",),
    "gate": ("gate",),
    "htx": ("htx",),
    "lighter": ("lighter",),
    "okx": ("okx",),
}
BITMEX: Final = "bitmex"


def listed_exchanges() -> tuple[str, ...]:
    """The exchanges whose contracts can be listed, in alphabetical order."""
    return tuple(sorted((*CCXT_CLASSES, BITMEX)))


async def fetch_contracts(exchange: str) -> list[Instrument]:
    """List the contracts that an exchange has now.

    Raises:
        ConfigurationError: ccxt is not installed.
        DependencyError: the exchange did not answer as it should.
    """
    as_of = datetime.now(UTC).date().isoformat()
    if exchange == BITMEX:
        contracts = from_bitmex(await _within(exchange, _bitmex_rows), as_of)
    else:
        contracts = from_ccxt(exchange, await _within(exchange, _ccxt_markets), as_of)
    if not contracts:
        raise DependencyError(f"{exchange} lists no contract; its list has changed its form.")
    return contracts


async def _within(
    exchange: str, fetch: Callable[[str], Awaitable[list[dict[str, Any]]]]
) -> list[dict[str, Any]]:
    try:
        return await asyncio.wait_for(fetch(exchange), FETCH_SECONDS)
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise DependencyError(
            f"{exchange} did not list its contracts ({type(error).__name__}: {str(error)[:200]})."
        ) from error


async def _bitmex_rows(_: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        session.get(BITMEX_LIST_URL, raise_for_status=True) as answer,
    ):
        rows: list[dict[str, Any]] = await answer.json()
        return rows


async def _ccxt_markets(exchange: str) -> list[dict[str, Any]]:
    ccxt = _ccxt()
    markets: list[dict[str, Any]] = []
    for name in CCXT_CLASSES[exchange]:
        client = getattr(ccxt, name)({"enableRateLimit": True, "aiohttp_trust_env": True})
        try:
            markets.extend((await client.load_markets()).values())
        except ccxt.BaseError as error:
            raise DependencyError(
                f"{exchange} did not list its contracts "
                f"({type(error).__name__}: {str(error)[:200]})."
            ) from error
        finally:
            await client.close()
    return markets


def _ccxt() -> Any:
    try:
        return import_module("ccxt.async_support")
    except ImportError as error:
        raise ConfigurationError(
            "Listing contracts needs ccxt: pip install 'liquidation-engine[instruments]'."
        ) from error
