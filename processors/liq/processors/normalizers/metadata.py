"""Pure parsers of the contract lists that venues publish.

A parser returns every contract with complete facts, with its size exactly as listed. The publisher
of contracts rejects absurd sizes by name. A parser skips rows without the facts, such as those of
announced contracts.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liq.processors.normalizers.errors import shown
from liq.processors.normalizers.json_types import JSON_NUMBERS
from liq.processors.normalizers.markets import ONE
from liq.processors.normalizers.numbers import EXACT
from liq.schemas.dollars import USD_LIKE
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind

SATOSHIS: Final = Decimal(10) ** 8
MAX_SIZE_CHARACTERS: Final = 40
# Replaces a size that is not a number, so that it is rejected later.
NO_SIZE: Final = Decimal(0)

Row = Mapping[str, Any]


def from_okx(answer: Any, as_of: str) -> list[Instrument]:
    """Parse swaps and futures of OKX's `public/instruments` (okx.com v5 documentation, 2026-07).

    A contract is `ctVal` times `ctMult` of `ctValCcy`. `uly` has base and quote. X-Perps
    (`BTC-USD_UM_XPERP-310404`) are quoted in dollars and settled in a coin that counts as one.

    Raises:
        ValueError: the answer is not a list.
    """
    return _instruments(_of_okx, _rows(answer, "data"), as_of)


def from_gate(settle: str, answer: Any, as_of: str) -> list[Instrument]:
    """Parse contracts of Gate's `futures/{settle}/contracts` (gate.io API v4, read 2026).

    A contract is `quanto_multiplier` units of the base. An inverse contract is a dollar; its
    multiplier is 0.

    Raises:
        ValueError: the answer is not a list.
    """

    def read(row: Row, as_of: str) -> Instrument | None:
        return _of_gate(settle, row, as_of)

    return _instruments(read, _rows(answer, None), as_of)


def from_htx(answer: Any, as_of: str) -> list[Instrument]:
    """Parse contracts of HTX's `swap_contract_info` and `contract_contract_info` (read 2026).

    `contract_size` is in units of the base if the code has a quote (BTC-USDT), else in dollars.

    Raises:
        ValueError: the answer is not a list.
    """
    return _instruments(_of_htx, _rows(answer, "data"), as_of)


def from_coinm(answer: Any, as_of: str) -> list[Instrument]:
    """Parse contracts of Binance COIN-M's `dapi/v1/exchangeInfo` (read 2026): sizes in dollars.

    Raises:
        ValueError: the answer is not a list.
    """
    return _instruments(_of_coinm, _rows(answer, "symbols"), as_of)


def from_lighter(answer: Any, as_of: str) -> list[Instrument]:
    """Parse markets of Lighter's `orderBooks` (apidocs.lighter.xyz, 2026); sizes are in the base.

    Raises:
        ValueError: the answer is not a list.
    """
    return _instruments(_of_lighter, _rows(answer, "order_books"), as_of)


def from_bitmex(answer: Any, as_of: str) -> list[Instrument]:
    """Parse perpetuals and futures of BitMEX's `instrument/active` (bitmex.com explorer, 2026).

    Raises:
        ValueError: the answer is not a list.
    """
    return _instruments(_of_bitmex, _rows(answer, None), as_of)


def _rows(answer: Any, field: str | None) -> list[Any]:
    rows = answer
    if field is not None:
        rows = answer.get(field) if type(answer) is dict else None
    if type(rows) is not list:
        what = shown(answer)
        if type(answer) is dict:
            what = "the fields " + ", ".join(shown(name) for name in list(answer)[:6])
        raise ValueError(f"the answer holds {what} where an array {field or ''} belongs")
    return rows


def _instruments(
    read: Callable[[Row, str], Instrument | None], rows: Iterable[Any], as_of: str
) -> list[Instrument]:
    found = (read(row, as_of) for row in rows if type(row) is dict)
    return [instrument for instrument in found if instrument is not None]


def _of_okx(row: Row, as_of: str) -> Instrument | None:
    base, quote, *_ = (*_text(row, "uly").split("-"), "")
    size = _size(row.get("ctVal"))
    if size is None:
        return None
    multiplier = _size(row.get("ctMult"))
    return _instrument(
        "okx",
        _text(row, "instId"),
        base,
        quote,
        _text(row, "settleCcy"),
        _kind_of_okx(row, base, quote),
        size if multiplier is None else EXACT.multiply(size, multiplier),
        as_of,
    )


def _kind_of_okx(row: Row, base: str, quote: str) -> ContractKind:
    kind, settle, unit = (row.get(name) for name in ("ctType", "settleCcy", "ctValCcy"))
    is_dollar = quote in USD_LIKE and settle in USD_LIKE
    if kind == "linear" and (settle == quote or is_dollar) and unit in {base, None, ""}:
        return ContractKind.LINEAR
    if kind == "inverse" and settle == base:
        return ContractKind.INVERSE
    return ContractKind.QUANTO


def _of_gate(settle: str, row: Row, as_of: str) -> Instrument | None:
    symbol = _text(row, "name")
    base, _, quote = symbol.partition("_")
    is_inverse = row.get("type") == "inverse"
    size = ONE if is_inverse else _size(row.get("quanto_multiplier"))
    if is_inverse:
        kind = ContractKind.INVERSE
    else:
        kind = ContractKind.LINEAR if quote == settle else ContractKind.QUANTO
    return _instrument("gate", symbol, base, quote, settle, kind, size, as_of)


def _of_htx(row: Row, as_of: str) -> Instrument | None:
    symbol, base = _text(row, "contract_code"), _text(row, "symbol")
    _, quote, *_ = (*symbol.split("-"), "", "")
    is_inverse = quote in {"", "USD"}
    return _instrument(
        "htx",
        symbol,
        base,
        "USD" if is_inverse else quote,
        base if is_inverse else quote,
        ContractKind.INVERSE if is_inverse else ContractKind.LINEAR,
        _size(row.get("contract_size")),
        as_of,
    )


def _of_coinm(row: Row, as_of: str) -> Instrument | None:
    base, settle = _text(row, "baseAsset"), _text(row, "marginAsset")
    return _instrument(
        "binance",
        _text(row, "symbol"),
        base,
        _text(row, "quoteAsset"),
        settle,
        ContractKind.INVERSE if settle == base else ContractKind.QUANTO,
        _size(row.get("contractSize")),
        as_of,
    )


def _of_lighter(row: Row, as_of: str) -> Instrument | None:
    number, kind = row.get("market_id"), row.get("market_type")
    if type(number) is not int or kind not in {None, "perp"}:
        return None
    base = _text(row, "symbol")
    if "/" in base:
        return None
    return _instrument(
        "lighter", str(number), base, "USDC", "USDC", ContractKind.LINEAR, ONE, as_of
    )


def _of_bitmex(row: Row, as_of: str) -> Instrument | None:
    kind = row.get("typ")
    if kind is not None and not str(kind).startswith("FF"):
        # Skip spot pairs and indices; futures and perpetuals are FFCCSX, FFWCSX and the like.
        return None
    contract, size = _size_of_bitmex(row)
    return _instrument(
        "bitmex",
        _text(row, "symbol"),
        _text(row, "rootSymbol"),
        _text(row, "quoteCurrency").upper(),
        _text(row, "settlCurrency").upper(),
        contract,
        size,
        as_of,
    )


def _size_of_bitmex(row: Row) -> tuple[ContractKind, Decimal | None]:
    multiplier = _size(row.get("multiplier"))
    if row.get("isQuanto") or row.get("isInverse"):
        kind = ContractKind.QUANTO if row.get("isQuanto") else ContractKind.INVERSE
        if _text(row, "settlCurrency").upper() != "XBT":
            # The multiplier is in the smallest unit of the settlement: satoshis for XBT only.
            return kind, None
        return kind, None if multiplier is None else EXACT.divide(abs(multiplier), SATOSHIS)
    units = _size(row.get("underlyingToPositionMultiplier"))
    if units is None:
        return ContractKind.LINEAR, None
    return ContractKind.LINEAR, EXACT.divide(ONE, units) if units else NO_SIZE


def _instrument(  # noqa: PLR0913, PLR0917 - the facts of a contract
    exchange: str,
    symbol: str,
    base: str,
    quote: str,
    settle: str,
    contract: ContractKind,
    size: Decimal | None,
    as_of: str,
) -> Instrument | None:
    if size is None or not (symbol and base and quote and settle):
        return None
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


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if type(value) is str else ""


def _size(value: object) -> Decimal | None:
    """Return a size as listed; None if it is absent, and zero if it is not a number."""
    if value is None or value == "":
        return None
    if type(value) is not str and type(value) not in JSON_NUMBERS:
        return NO_SIZE
    text = str(value)
    try:
        number = Decimal(text) if len(text) <= MAX_SIZE_CHARACTERS else NO_SIZE
    except InvalidOperation:
        return NO_SIZE
    # Sizes beyond the storable range are rejected anyway; this avoids products of a million digits.
    is_number = number.is_finite() and abs(number.adjusted()) <= MAX_SIZE_CHARACTERS
    return number if is_number else NO_SIZE
