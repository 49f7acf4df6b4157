"""What a native symbol stands for: base, quote, settlement, and how its size turns into money."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.numbers import positive_decimal
from liq.schemas.dollars import USD, USD_LIKE
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind, RejectReason

UNIFIED_QUOTE: Final = "USDT"
ALIASES: Final = {"XBT": "BTC"}
# Coins that stand for another currency than the dollar, and are valued as that. EURR is a euro coin
# in which Deribit quotes (docs.deribit.com, `public/get_currencies`, read 2026).
CURRENCIES: Final = {**ALIASES, "EURR": "EUR"}
ONE: Final = Decimal(1)

# 1000PEPE, 10000LADYS, 1000000MOG: a one, three or more zeros, then the asset. 1INCH is no match.
_NUMERIC_PREFIX = re.compile(r"(10{3,9})(?=[A-Z])", re.ASCII)
# 1MBABYDOGE: a million. Two letters must follow, so that no asset of that spelling is cut.
_MILLION_PREFIX = re.compile(r"1M(?=[A-Z]{2})", re.ASCII)
_MILLION_POWER = 6
# Bybit lists 1000 SHIB with the number behind (api-docs symbol lists, 2024).
_NUMBER_BEHIND: Final = {"SHIB1000": ("SHIB", 3)}


@dataclass(frozen=True, slots=True)
class Market:
    """A resolved symbol.

    One unit of the contract's underlying is 10**`base_power` of `base` (3 for 1000PEPE): the
    venue's quantities are multiplied by it and its prices divided. `contract_size` as in
    `liq.schemas.records.Instrument`, and the very object `ONE` where it is one, which saves a
    multiplication an entry.

    `rate_currency` is the currency that values come in before they are dollars: empty for dollars
    themselves, else the quote's, or a quanto contract's settlement currency. With `needs_rate` it
    has to be converted; without, it is a coin that counts as a dollar while it is on its peg.
    """

    native_symbol: str
    symbol: str
    base: str
    quote: str
    settle: str
    contract: ContractKind
    base_power: int
    contract_size: Decimal
    rate_currency: str
    needs_rate: bool


def new_market(  # noqa: PLR0913, PLR0917 - the six facts that a symbol stands for
    native_symbol: str,
    base: str,
    quote: str,
    settle: str,
    contract: ContractKind,
    contract_size: Decimal = ONE,
) -> Market:
    """Resolve a symbol whose parts are known in the venue's own spelling.

    Raises:
        EntryError: invalid_symbol without a base; unsupported_quote without a quote;
            unsupported_instrument for a quanto contract that is not quoted in dollars;
            invalid_number for an absurd size.
    """
    if not base:
        raise EntryError(RejectReason.INVALID_SYMBOL, f"{shown(native_symbol)} names no asset.")
    if not quote:
        raise EntryError(
            RejectReason.UNSUPPORTED_QUOTE,
            f"{shown(native_symbol)} is quoted in no currency that the venue is known to quote in.",
        )
    is_dollar = quote in USD_LIKE
    if contract is ContractKind.QUANTO and not is_dollar:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"{shown(native_symbol)} is a quanto contract in {shown(quote)}: it needs two rates.",
        )
    asset, power = resolve_base(base)
    size = positive_decimal(format(contract_size, "f"), "The contract size")
    paid_in = settle if contract is ContractKind.QUANTO else quote
    return Market(
        native_symbol=native_symbol,
        symbol=asset + (UNIFIED_QUOTE if is_dollar else CURRENCIES.get(quote, quote)),
        base=asset,
        quote=ALIASES.get(quote, quote),
        settle=ALIASES.get(settle, settle),
        contract=contract,
        base_power=power,
        contract_size=ONE if size == ONE else size,
        rate_currency="" if paid_in == USD else CURRENCIES.get(paid_in, paid_in),
        needs_rate=paid_in not in USD_LIKE,
    )


def instrument_market(instrument: Instrument) -> Market:
    """Resolve a symbol from the venue's contract metadata.

    Raises:
        EntryError: as `new_market`.
    """
    return new_market(
        instrument.native_symbol,
        instrument.base,
        instrument.quote,
        instrument.settle,
        instrument.contract,
        instrument.contract_size,
    )


def resolve_base(base: str) -> tuple[str, int]:
    """The plain asset of a base such as 1000PEPE, and the power of ten in front of it."""
    if base in _NUMBER_BEHIND:
        return _NUMBER_BEHIND[base]
    if match := _NUMERIC_PREFIX.match(base):
        return base[match.end() :], match.end() - 1
    if match := _MILLION_PREFIX.match(base):
        return base[match.end() :], _MILLION_POWER
    return ALIASES.get(base, base), 0


def split_quote(pair: str, quotes: tuple[str, ...]) -> tuple[str, str]:
    """Split a pair written in one word, such as BTCUSDT, at one of the quotes it may end with.

    The quotes must be those that the endpoint lists: ARBUSD ends with USD and with BUSD. A pair
    that ends with none of them gives an empty quote.
    """
    for quote in quotes:
        if pair.endswith(quote):
            return pair.removesuffix(quote), quote
    return pair, ""
