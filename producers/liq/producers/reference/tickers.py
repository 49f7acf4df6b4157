"""Public tickers of currencies in dollars: one GET each, without a key.

- Kraken: `{"error": [], "result": {"XXBTZUSD": {"c": ["64000.5", "0.1"]}}}`; `c` is the last trade
  (docs.kraken.com, "Get Ticker Information"; ccxt 4.5, `kraken.py`, 2026).
- Bitstamp: `[{"pair": "BTC/USD", "last": "64000"}]`, every pair (bitstamp.net/api, "Currency pair
  tickers"; ccxt 4.5, `bitstamp.py`, 2026).
- Coinbase: `{"data": {"currency": "USD", "rates": {"BTC": "0.0000156"}}}`, units for one dollar
  (docs.cdp.coinbase.com, "Exchange Rates", read 2026).

Coinbase exchanges USDC for a dollar at any market price, so its USDC is not read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, Final

import aiohttp

from liq.producers.live.listing import ListingError, get_document, new_client
from liq.producers.live.session_end import describe_error
from liq.producers.reference.rate_rules import plausible_usd
from liq.runtime.settings import Settings

TIMEOUT_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 4 * 1_048_576
MAX_NUMBER_CHARACTERS: Final = 40

Quotes = dict[str, Decimal]

KRAKEN_PAIRS: Final = {
    "XXBTZUSD": "BTC",
    "XETHZUSD": "ETH",
    "ZEURZUSD": "EUR",
    "USDTZUSD": "USDT",
    "USDCUSD": "USDC",
}
BITSTAMP_PAIRS: Final = {
    f"{currency}/USD": currency for currency in ("BTC", "ETH", "EUR", "USDT", "USDC")
}
COINBASE_CURRENCIES: Final = ("BTC", "ETH", "EUR", "USDT")


class TickerError(Exception):
    """A ticker did not answer in its format; the message has its name and the reason."""


@dataclass(frozen=True, slots=True)
class Ticker:
    """A ticker: its name, its address, and the parser from a response to dollars by currency."""

    name: str
    address: str
    parse: Callable[[Any], Quotes]


def parse_kraken(answer: Any) -> Quotes:
    """Parse Kraken's response; ignore pairs that were not requested."""
    found = answer["result"]
    return {KRAKEN_PAIRS[pair]: _usd(found[pair]["c"][0]) for pair in KRAKEN_PAIRS if pair in found}


def parse_bitstamp(answer: Any) -> Quotes:
    """Parse Bitstamp's response, which has every pair."""
    return {
        BITSTAMP_PAIRS[row["pair"]]: _usd(row["last"])
        for row in answer
        if row["pair"] in BITSTAMP_PAIRS
    }


def parse_coinbase(answer: Any) -> Quotes:
    """Parse Coinbase's response, which has units for one dollar."""
    units = answer["data"]["rates"]
    if answer["data"]["currency"] != "USD":
        raise ValueError("the rates are not for one dollar")
    return {
        currency: _usd(1 / _usd(units[currency]))
        for currency in COINBASE_CURRENCIES
        if currency in units
    }


def tickers(settings: Settings) -> tuple[Ticker, ...]:
    """Return the tickers in the order of their requests."""
    return (
        Ticker("kraken", settings.rates_kraken_url, parse_kraken),
        Ticker("bitstamp", settings.rates_bitstamp_url, parse_bitstamp),
        Ticker("coinbase", settings.rates_coinbase_url, parse_coinbase),
    )


async def ask(ticker: Ticker) -> Quotes:
    """Request a ticker once; return dollars of one unit by currency.

    Raises:
        TickerError: the ticker does not answer, or its response cannot be parsed.
    """
    try:
        async with new_client(TIMEOUT_SECONDS) as client:
            document = await get_document(client, ticker.address, MAX_ANSWER_BYTES)
        quotes = ticker.parse(document)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise TickerError(f"{ticker.name}: {describe_error(error)}") from error
    except ListingError as error:
        raise TickerError(f"{ticker.name}: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, DecimalException) as error:
        raise TickerError(f"{ticker.name}: the answer cannot be read ({error!r})") from error
    if not quotes:
        raise TickerError(f"{ticker.name}: the answer has no currency that is wanted")
    return quotes


def _usd(value: object) -> Decimal:
    text = str(value)
    usd = plausible_usd(Decimal(text)) if len(text) <= MAX_NUMBER_CHARACTERS else None
    if usd is None:
        raise ValueError(f"{text[:MAX_NUMBER_CHARACTERS]!r} is no rate")
    return usd
