"""Fetching the venues' lists of contracts over the network."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

import aiohttp

from liq.processors.normalizers import known_exchanges
from liq.processors.normalizers.metadata import from_ccxt
from liq.processors.normalizers.registry import VENUES
from liq.processors.normalizers.venue import OwnList
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.schemas.records import Instrument

FETCH_SECONDS: Final = 60.0

Rows = list[dict[str, Any]]


def listed_exchanges() -> tuple[str, ...]:
    """Return the exchanges that declare a list of contracts, in alphabetical order."""
    return tuple(exchange for exchange in known_exchanges() if VENUES[exchange].contracts)


async def fetch_contracts(exchange: str) -> list[Instrument]:
    """Fetch the contracts that an exchange lists now.

    Raises:
        ConfigurationError: the exchange declares no list, or ccxt is not installed.
        DependencyError: the exchange did not answer as it should.
    """
    declared = VENUES[exchange].contracts
    if declared is None:
        raise ConfigurationError(f"{exchange} declares no list of contracts.")
    as_of = datetime.now(UTC).date().isoformat()
    if isinstance(declared.listed_by, OwnList):
        rows = await _within(exchange, _own_rows(declared.listed_by.address))
        contracts = declared.listed_by.parse(rows, as_of)
    else:
        markets = await _within(exchange, _ccxt_markets(exchange, declared.listed_by.classes))
        contracts = from_ccxt(exchange, markets, as_of)
    if not contracts:
        raise DependencyError(f"{exchange} lists no contract; its list has changed its form.")
    return contracts


async def _within(exchange: str, fetch: Awaitable[Rows]) -> Rows:
    try:
        return await asyncio.wait_for(fetch, FETCH_SECONDS)
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise DependencyError(
            f"{exchange} did not list its contracts ({type(error).__name__}: {str(error)[:200]})."
        ) from error


async def _own_rows(address: str) -> Rows:
    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        session.get(address, raise_for_status=True) as answer,
    ):
        rows: Rows = await answer.json()
        return rows


async def _ccxt_markets(exchange: str, classes: tuple[str, ...]) -> Rows:
    ccxt = _ccxt()
    markets: Rows = []
    for name in classes:
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
