"""Contract metadata out of the lists that venues publish, as pure functions.

ccxt (4.5) describes a market by a dictionary whose `contractSize` means what `Instrument` wants:
units of the base for a linear contract, of the quote for an inverse one. It leaves out OKX's
`ctMult`, which is multiplied in here, and it does not serve BitMEX, whose own list is read instead
(`GET /api/v1/instrument/active`, bitmex.com API explorer, 2026).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liq.processors.normalizers.json_types import JSON_NUMBERS
from liq.processors.normalizers.numbers import EXACT
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind

SATOSHIS: Final = Decimal(10) ** 8

Market = Mapping[str, Any]


def from_ccxt(exchange: str, markets: Iterable[Market], as_of: str) -> list[Instrument]:
    """Swaps and futures among ccxt's markets; a market without the facts needed is left out.

    `as_of` is the ISO date on which the markets were fetched.
    """
    found = (_of_ccxt(exchange, market, as_of) for market in markets)
    return [instrument for instrument in found if instrument is not None]


def from_bitmex(rows: Iterable[Market], as_of: str) -> list[Instrument]:
    """Perpetuals and futures of BitMEX's own list; a row without the facts needed is left out."""
    found = (_of_bitmex(row, as_of) for row in rows)
    return [instrument for instrument in found if instrument is not None]


def _of_ccxt(exchange: str, market: Market, as_of: str) -> Instrument | None:
    if not (market.get("swap") or market.get("future")):
        return None
    names = [market.get(name) for name in ("id", "base", "quote", "settle")]
    size = _number(market.get("contractSize"))
    contract = _kind_of_ccxt(market)
    if size is None or contract is None or not all(type(name) is str and name for name in names):
        return None
    symbol, base, quote, settle = map(str, names)
    if exchange == "okx":
        multiplier = _number(market.get("info", {}).get("ctMult"))
        size = size if multiplier is None else EXACT.multiply(size, multiplier)
    return Instrument(
        exchange=exchange,
        native_symbol=symbol,
        base=base,
        quote=quote,
        settle=settle,
        contract=contract,
        contract_size=size,
        as_of=as_of,
    )


def _kind_of_ccxt(market: Market) -> ContractKind | None:
    if market.get("settle") not in {market.get("base"), market.get("quote")}:
        return ContractKind.QUANTO
    if market.get("linear"):
        return ContractKind.LINEAR
    return ContractKind.INVERSE if market.get("inverse") else None


def _of_bitmex(row: Market, as_of: str) -> Instrument | None:
    names = [row.get(name) for name in ("symbol", "rootSymbol", "quoteCurrency", "settlCurrency")]
    facts = _size_of_bitmex(row)
    if facts is None or not all(type(name) is str and name for name in names):
        return None
    symbol, root, quote, settle = map(str, names)
    contract, size = facts
    return Instrument(
        exchange="bitmex",
        native_symbol=symbol,
        base=root,
        quote=quote.upper(),
        settle=settle.upper(),
        contract=contract,
        contract_size=size,
        as_of=as_of,
    )


def _size_of_bitmex(row: Market) -> tuple[ContractKind, Decimal] | None:
    multiplier = _number(row.get("multiplier"), signed=True)
    if row.get("isQuanto") or row.get("isInverse"):
        if multiplier is None:
            return None
        kind = ContractKind.QUANTO if row.get("isQuanto") else ContractKind.INVERSE
        return kind, EXACT.divide(abs(multiplier), SATOSHIS)
    units = _number(row.get("underlyingToPositionMultiplier"))
    if units is None:
        return None
    return ContractKind.LINEAR, EXACT.divide(Decimal(1), units)


def _number(value: object, *, signed: bool = False) -> Decimal | None:
    """A finite number other than zero, and above it unless `signed`; else None."""
    if type(value) is not str and type(value) not in JSON_NUMBERS:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    usable = number.is_finite() and (number != 0 if signed else number > 0)
    return number if usable else None
