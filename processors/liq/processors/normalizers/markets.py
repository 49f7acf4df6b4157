"""The market of a native symbol: base, quote, settlement, and how sizes convert to dollars."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from liq.processors.normalizers.aliases import ASSET_OF, RENAME_OF
from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.numbers import positive_decimal
from liq.schemas.dollars import USD, USD_LIKE
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind, RejectReason

UNIFIED_QUOTE: Final = "USDT"
# Coins that are valued as another currency than the dollar. EURR is a euro coin in which Deribit
# quotes (docs.deribit.com, `public/get_currencies`, read 2026).
CURRENCIES: Final = {"XBT": "BTC", "EURR": "EUR"}
ONE: Final = Decimal(1)

# A letter of any script, except lower-case Latin: no venue begins an asset with one.
_LETTER = r"[^\W\d_a-z]"
# 1000PEPE, 10000LADYS, 1000000MOG: a one, three or more zeros, the asset. 1INCH does not match.
_NUMERIC_PREFIX = re.compile(rf"(10{{3,9}})(?={_LETTER})")
# 1MBABYDOGE: a million. Two letters must follow, so that the names of other assets are not cut.
_MILLION_PREFIX = re.compile(rf"1M(?={_LETTER}{{2}})")
_MILLION_POWER = 6
# Bybit lists 1000 SHIB with the number at the end (api-docs symbol lists, 2024).
_NUMBER_BEHIND: Final = {"SHIB1000": ("SHIB", 3)}


@dataclass(frozen=True, slots=True)
class Market:
    """A resolved symbol.

    One unit of the contract's underlying is 10**`base_power` of `base` (3 for 1000PEPE). The
    venue's quantities are multiplied by it, and its prices divided. `contract_size` is defined in
    `liq.schemas.records.Instrument`. It is the object `ONE` itself for a size of one, which saves a
    multiplication per entry. `version` identifies the contract metadata; None if the symbol alone
    determines the market.

    `rate_currency` is the currency of values before their conversion to dollars: empty for dollars,
    else the quote, or the settlement currency of a quanto contract. With `needs_rate`, values must
    be converted. Without, the currency is a coin that counts as a dollar while it is on its peg.

    Events from `renamed_at_ms` on belong to `renamed`, the same market under its token's new name.
    A market `is_plain` if it has no other name and is valued in dollars or in a coin that counts as
    one. Nearly every market is plain, which saves three checks per event.
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
    version: str | None = None
    renamed: "Market | None" = None
    renamed_at_ms: int = 0
    is_plain: bool = True

    def at(self, timestamp_ms: int) -> "Market":
        """Return the market under its name at a time (UTC, ms)."""
        renamed = self.renamed
        return renamed if renamed is not None and timestamp_ms >= self.renamed_at_ms else self


def new_market(  # noqa: PLR0913, PLR0917 - the six facts that a symbol stands for
    native_symbol: str,
    base: str,
    quote: str,
    settle: str,
    contract: ContractKind,
    contract_size: Decimal = ONE,
    version: str | None = None,
) -> Market:
    """Resolve a symbol from its parts in the venue's own spelling.

    Raises:
        EntryError: invalid_symbol: no base; unsupported_quote: no quote; unsupported_instrument: a
            quanto contract that is not quoted in dollars; invalid_number or implausible: the size.
    """
    if not base.strip():
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
    market = Market(
        native_symbol=native_symbol,
        symbol=asset + (UNIFIED_QUOTE if is_dollar else CURRENCIES.get(quote, quote)),
        base=asset,
        quote=ASSET_OF.get(quote, quote),
        settle=ASSET_OF.get(settle, settle),
        contract=contract,
        base_power=power,
        contract_size=ONE if size == ONE else size,
        rate_currency="" if paid_in == USD else CURRENCIES.get(paid_in, paid_in),
        needs_rate=paid_in not in USD_LIKE,
        version=version,
        is_plain=paid_in in USD_LIKE and contract is not ContractKind.QUANTO,
    )
    return market if asset not in RENAME_OF else _with_rename(market)


def _with_rename(market: Market) -> Market:
    rename = RENAME_OF[market.base]
    settle = rename.new if market.settle == rename.old else market.settle
    symbol = rename.new + market.symbol.removeprefix(market.base)
    renamed = replace(market, base=rename.new, symbol=symbol, settle=settle)
    return replace(market, renamed=renamed, renamed_at_ms=rename.since_ms, is_plain=False)


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
        contract_version(instrument),
    )


def contract_version(instrument: Instrument) -> str:
    """Return the name of a metadata version: its date, and the start of its validity, if any."""
    if instrument.valid_from_ms is None:
        return instrument.as_of
    return f"{instrument.as_of} from {instrument.valid_from_ms}"


def resolve_base(base: str) -> tuple[str, int]:
    """Return the plain asset of a base such as 1000PEPE, and its power of ten (3)."""
    if base in _NUMBER_BEHIND:
        return _NUMBER_BEHIND[base]
    power = 0
    if match := _NUMERIC_PREFIX.match(base):
        base, power = base[match.end() :], match.end() - 1
    elif match := _MILLION_PREFIX.match(base):
        base, power = base[match.end() :], _MILLION_POWER
    return ASSET_OF.get(base, base), power


def split_quote(pair: str, quotes: tuple[str, ...]) -> tuple[str, str]:
    """Split a pair written in one word, such as BTCUSDT, into base and quote.

    `quotes` must be those that the endpoint lists, because ARBUSD ends with USD and with BUSD. The
    quote is empty if the pair ends with another text.
    """
    for quote in quotes:
        if pair.endswith(quote):
            return pair.removesuffix(quote), quote
    return pair, ""
