"""Contract metadata by venue and symbol, in versions for different times."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Final

import orjson

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.fields import check_symbol
from liq.processors.normalizers.markets import Market, instrument_market
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import RejectReason

# The file `<exchange>.contracts.json` is beside the module of the venue.
SNAPSHOT_ENDING: Final = ".contracts.json"
# Prefix of the version of a size that comes from another contract of the family.
FAMILY_VERSION: Final = "family "
NEWEST_MS: Final = 1 << 62

# Returns the family of a contract's symbol; `Contracts.family_of` defines families.
FamilyOf = Callable[[str], str]
_Key = tuple[str, str]
# A market, or the reason and a sentence for an unusable contract.
_Resolved = Market | tuple[RejectReason, str]


def own_family(symbol: str) -> str:
    """Return the symbol itself: no contract of the venue shares its size with others."""
    return symbol


class InstrumentBook:
    """An immutable lookup from exchange, native symbol and time to contract metadata.

    A contract has a version for each `valid_from_ms`. A later instrument of the same contract and
    time replaces an earlier one. The first version is also valid for the time before it.
    """

    __slots__ = ("_families", "_markets", "_resolved", "_versions")

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        by_time: dict[_Key, dict[int, Instrument]] = {}
        for one in instruments:
            key = one.exchange, one.native_symbol
            by_time.setdefault(key, {})[one.valid_from_ms or 0] = one
        self._versions: Mapping[_Key, list[Instrument]] = {
            key: [versions[since_ms] for since_ms in sorted(versions)]
            for key, versions in by_time.items()
        }
        # Resolve once here instead of once per entry. `_markets` has contracts with one version.
        self._resolved: Mapping[_Key, list[_Resolved]] = {
            key: [_resolve(one) for one in versions] for key, versions in self._versions.items()
        }
        self._markets: Mapping[_Key, _Resolved] = {
            key: resolved[0] for key, resolved in self._resolved.items() if len(resolved) == 1
        }
        # By exchange, filled at the first unknown contract of the exchange.
        self._families: dict[str, dict[str, list[str]]] = {}

    def __len__(self) -> int:
        """Return the number of known contracts."""
        return len(self._versions)

    def get(self, exchange: str, native_symbol: str, at_ms: int = NEWEST_MS) -> Instrument | None:
        """Return the metadata of a contract at a time (UTC, ms), or None if it is not known."""
        versions = self._versions.get((exchange, native_symbol))
        return None if versions is None else versions[_position_at(versions, at_ms)]

    @property
    def newest_as_of(self) -> str:
        """The latest ISO date on which a version was true; empty for an empty book."""
        return max((one.as_of for one in self.all()), default="")

    def all(self) -> list[Instrument]:
        """Return every version of every known contract, by exchange, symbol and time."""
        return [one for key in sorted(self._versions) for one in self._versions[key]]

    def updated(self, instruments: Iterable[Instrument]) -> "InstrumentBook":
        """Return a new book with these instruments added or replaced."""
        return InstrumentBook((*self.all(), *instruments))

    def market(
        self,
        exchange: str,
        native_symbol: str,
        at_ms: int = NEWEST_MS,
        family_of: FamilyOf | None = None,
    ) -> Market:
        """Return the market of a contract, by the version valid at a time (UTC, ms).

        With `family_of`, an unknown contract has the size of its family, if all known members of
        the family agree.

        Raises:
            EntryError: unknown_instrument; invalid_symbol; or a fault in the metadata itself:
                unsupported_quote, unsupported_instrument or invalid_number.
        """
        market = self._markets.get((exchange, native_symbol))
        if market is None:
            market = self._market_at(exchange, native_symbol, at_ms, family_of)
        if isinstance(market, Market):
            return market
        reason, detail = market
        unknown = native_symbol if reason is RejectReason.UNKNOWN_INSTRUMENT else ""
        raise EntryError(reason, detail, unknown)

    def _market_at(
        self, exchange: str, native_symbol: str, at_ms: int, family_of: FamilyOf | None
    ) -> _Resolved:
        key = exchange, native_symbol
        versions = self._versions.get(key)
        if versions is not None:
            return self._resolved[key][_position_at(versions, at_ms)]
        check_symbol(native_symbol)
        relative = self._relative(exchange, native_symbol, at_ms, family_of)
        if relative is None:
            return (
                RejectReason.UNKNOWN_INSTRUMENT,
                f"The contract size of {shown(native_symbol)} on {exchange} is not known.",
            )
        market = _resolve(replace(relative, native_symbol=native_symbol))
        if not isinstance(market, Market):
            return market
        version = f"{FAMILY_VERSION}{relative.native_symbol} {market.version}"
        return replace(market, version=version)

    def _relative(
        self, exchange: str, native_symbol: str, at_ms: int, family_of: FamilyOf | None
    ) -> Instrument | None:
        """Return the first known contract of the family; None if another one contradicts it."""
        if family_of is None:
            return None
        members = self._members(exchange, family_of).get(family_of(native_symbol), ())
        known = [one for symbol in members if (one := self.get(exchange, symbol, at_ms))]
        return known[0] if len({facts(one) for one in known}) == 1 else None

    def _members(self, exchange: str, family_of: FamilyOf) -> dict[str, list[str]]:
        families = self._families.get(exchange)
        if families is None:
            families = {}
            for known_exchange, symbol in sorted(self._versions):
                if known_exchange == exchange:
                    families.setdefault(family_of(symbol), []).append(symbol)
            self._families[exchange] = families
        return families


def facts(instrument: Instrument) -> tuple[object, ...]:
    """Return the facts that determine a contract's value, without symbol and dates."""
    return (
        instrument.base,
        instrument.quote,
        instrument.settle,
        instrument.contract,
        instrument.contract_size,
    )


def load_snapshot() -> InstrumentBook:
    """Return the instruments in the package, of every venue with a file of them.

    Raises:
        DecodeError: a shipped file is damaged.
    """
    beside_venues = files(f"{__package__}.venues").iterdir()
    shipped = [file for file in beside_venues if file.name.endswith(SNAPSHOT_ENDING)]
    return InstrumentBook(
        instrument for file in shipped for instrument in parse_instruments(file.read_bytes())
    )


def parse_instruments(text: bytes) -> list[Instrument]:
    """Parse the instruments of a file: a JSON array, or one instrument per line.

    Raises:
        DecodeError: the text is neither, or an entry is invalid; the message has its number.
    """
    if not text.lstrip().startswith(b"["):
        entries = [line for line in text.splitlines() if line.strip()]
    else:
        try:
            entries = [orjson.dumps(entry) for entry in orjson.loads(text)]
        except orjson.JSONDecodeError as error:
            raise DecodeError(f"not JSON: {error}") from error
    return [_decoded(number, entry) for number, entry in enumerate(entries, start=1)]


def _decoded(number: int, entry: bytes) -> Instrument:
    try:
        return decode(Instrument, entry)
    except DecodeError as error:
        raise DecodeError(f"entry {number}: {error}") from error


def snapshot_text(book: InstrumentBook) -> bytes:
    """Return the contents of a file with the contracts of this book, one per line."""
    return b"[\n" + b",\n".join(b"  " + encode(one) for one in book.all()) + b"\n]\n"


def _position_at(versions: list[Instrument], at_ms: int) -> int:
    chosen = 0
    for position, one in enumerate(versions):
        if (one.valid_from_ms or 0) > at_ms:
            break
        chosen = position
    return chosen


def _resolve(instrument: Instrument) -> _Resolved:
    try:
        return instrument_market(instrument)
    except EntryError as error:
        return error.reason, error.detail
