"""What a native symbol stands for: base, quote, settlement, and how its size turns into money."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from liq.processors.normalizers.aliases import ASSET_OF, RENAME_OF
from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.numbers import positive_decimal
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind, RejectReason

# Counted as one dollar each. A depegged coin is therefore valued too high; no rate feed is read.
USD_LIKE: Final = frozenset(
    {
        "USD",
        "USDT",
        "USDC",
        "BUSD",
        "FDUSD",
        "TUSD",
        "USD1",
        "USDE",
        "USDH",
        "USDP",
        "PYUSD",
        "RLUSD",
        "DAI",
    }
)
UNIFIED_QUOTE: Final = "USDT"
ONE: Final = Decimal(1)

# A letter of any script but a small Latin one, with which no venue begins an asset.
_LETTER = r"[^\W\d_a-z]"
# 1000PEPE, 10000LADYS, 1000000MOG: a one, three or more zeros, then the asset. 1INCH is no match.
_NUMERIC_PREFIX = re.compile(rf"(10{{3,9}})(?={_LETTER})")
# 1MBABYDOGE: a million. Two letters must follow, so that no asset of that spelling is cut.
_MILLION_PREFIX = re.compile(rf"1M(?={_LETTER}{{2}})")
_MILLION_POWER = 6
# Bybit lists 1000 SHIB with the number behind (api-docs symbol lists, 2024).
_NUMBER_BEHIND: Final = {"SHIB1000": ("SHIB", 3)}


@dataclass(frozen=True, slots=True)
class Market:
    """A resolved symbol.

    One unit of the contract's underlying is 10**`base_power` of `base` (3 for 1000PEPE): the
    venue's quantities are multiplied by it and its prices divided. `contract_size` as in
    `liq.schemas.records.Instrument`, and the very object `ONE` where it is one, which saves a
    multiplication an entry. Events from `renamed_at_ms` on are those of `renamed`, the same market
    under the name that its token has had since then.
    """

    native_symbol: str
    symbol: str
    base: str
    quote: str
    settle: str
    contract: ContractKind
    base_power: int
    contract_size: Decimal
    renamed: "Market | None" = None
    renamed_at_ms: int = 0


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
        EntryError: invalid_symbol without a base; unsupported_quote unless USD-like;
            unsupported_instrument for a quanto contract; invalid_number for an absurd size.
    """
    if not base.strip():
        raise EntryError(RejectReason.INVALID_SYMBOL, f"{shown(native_symbol)} names no asset.")
    if quote not in USD_LIKE:
        raise EntryError(
            RejectReason.UNSUPPORTED_QUOTE,
            f"{shown(native_symbol)} is not quoted in dollars or a coin that stands for one.",
        )
    if contract is ContractKind.QUANTO:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"{shown(native_symbol)} is a quanto contract: its value needs a rate.",
        )
    asset, power = resolve_base(base)
    size = positive_decimal(format(contract_size, "f"), "The contract size")
    market = Market(
        native_symbol=native_symbol,
        symbol=asset + UNIFIED_QUOTE,
        base=asset,
        quote=quote,
        settle=ASSET_OF.get(settle, settle),
        contract=contract,
        base_power=power,
        contract_size=ONE if size == ONE else size,
    )
    return market if asset not in RENAME_OF else _with_rename(market)


def _with_rename(market: Market) -> Market:
    rename = RENAME_OF[market.base]
    settle = rename.new if market.settle == rename.old else market.settle
    renamed = replace(market, base=rename.new, symbol=rename.new + UNIFIED_QUOTE, settle=settle)
    return replace(market, renamed=renamed, renamed_at_ms=rename.since_ms)


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
    power = 0
    if match := _NUMERIC_PREFIX.match(base):
        base, power = base[match.end() :], match.end() - 1
    elif match := _MILLION_PREFIX.match(base):
        base, power = base[match.end() :], _MILLION_POWER
    return ASSET_OF.get(base, base), power


def split_quote(pair: str, quotes: tuple[str, ...]) -> tuple[str, str]:
    """Split a pair written in one word, such as BTCUSDT, at one of the quotes it may end with.

    The quotes must be those that the endpoint lists: ARBUSD ends with USD and with BUSD. A pair
    that ends with none of them gives an empty quote.
    """
    for quote in quotes:
        if pair.endswith(quote):
            return pair.removesuffix(quote), quote
    return pair, ""
