"""Markets of Hyperliquid: its own, and those of builder-deployed exchanges (HIP-3).

Sources: hyperliquid.gitbook.io, HIP-3 (read 2026); rustrade-execution 0.10 (2026), whose fills of
`flx:TSLA` are charged in USDH; public readers of 2026 on `xyz:JPY`, whose price is near 158.

`xyz:CRWV` is the market CRWV of the exchange xyz. Size times price is an amount of the collateral
that the market's deployer chose, whatever the price measures. A fill has the collateral as
`feeToken`; for a trade, which has none, a table of the exchanges is used. Where neither has it, or
a fill's own token is not known to be a dollar, the value in dollars is unknown:
`unsupported_quote`.

xyz quotes currencies that are usually quoted per dollar, such as JPY, in that way: its JPY is the
number USD/JPY, paid in dollars, and its asset here is USDJPY. The quoting of other exchanges is not
known, so such a market keeps its exchange's name and is an asset of its own.
"""

import re
from functools import lru_cache
from typing import Final

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.fields import check_symbol
from liq.processors.normalizers.markets import Market, new_market
from liq.schemas.dollars import USD_LIKE
from liq.schemas.hyperliquid import collateral_of
from liq.schemas.vocabulary import ContractKind, RejectReason

# fmt: off
PER_DOLLAR: Final = frozenset({
    "ARS", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "HKD", "HUF", "IDR",
    "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "PHP", "PLN", "SEK", "SGD", "THB", "TRY",
    "TWD", "VND", "ZAR",
})
# fmt: on
#: Exchanges known to quote currencies as units of the currency per dollar.
QUOTES_PER_DOLLAR: Final = frozenset({"xyz"})

_THOUSANDS = re.compile(r"k(?=[^\W\d_a-z])")
_SPOT = re.compile(r"@|.*/", re.ASCII)


@lru_cache(maxsize=8192)
def perpetual_market(coin: str, fee_token: str = "") -> Market:
    """Return the market of BTC, kPEPE, or xyz:COIN of a builder-deployed exchange.

    Raises:
        EntryError: invalid_symbol, unsupported_instrument for spot, or unsupported_quote where a
            market's collateral is not known to be dollars.
    """
    check_symbol(coin)
    if _SPOT.match(coin):
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"{shown(coin)} is spot, which cannot be liquidated.",
        )
    exchange, _, asset = coin.rpartition(":")
    quote = collateral_of(coin, fee_token)
    if quote not in USD_LIKE:
        collateral = f"the collateral {shown(quote)}" if quote else "collateral"
        raise EntryError(
            RejectReason.UNSUPPORTED_QUOTE,
            f"{shown(coin)} has {collateral} that is not known to be dollars.",
        )
    base = _THOUSANDS.sub("1000", asset, count=1) if _THOUSANDS.match(asset) else asset
    if exchange and asset in PER_DOLLAR:
        base = f"USD{asset}" if exchange in QUOTES_PER_DOLLAR else coin
    return new_market(coin, base, quote, settle=quote, contract=ContractKind.LINEAR)
