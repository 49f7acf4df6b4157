"""Contract metadata by venue and symbol."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Final

import orjson

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.fields import check_symbol
from liq.processors.normalizers.markets import Market, instrument_market
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import RejectReason

# `<exchange>.contracts.json`, beside the module of the venue.
SNAPSHOT_ENDING: Final = ".contracts.json"

_Key = tuple[str, str]


class InstrumentBook:
    """An immutable lookup from (exchange, native symbol) to its contract metadata.

    Later instruments of the same key replace earlier ones.
    """

    __slots__ = ("_instruments", "_markets")

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self._instruments: Mapping[_Key, Instrument] = {
            (instrument.exchange, instrument.native_symbol): instrument
            for instrument in instruments
        }
        # Resolved once here, not once an entry. An unusable instrument keeps its reason.
        self._markets = {key: _resolve(one) for key, one in self._instruments.items()}

    def __len__(self) -> int:
        """How many contracts are known."""
        return len(self._instruments)

    def get(self, exchange: str, native_symbol: str) -> Instrument | None:
        """The metadata of a contract, or None when it is not known."""
        return self._instruments.get((exchange, native_symbol))

    @property
    def newest_as_of(self) -> str:
        """The latest ISO date on which a value was true; empty for an empty book."""
        return max((one.as_of for one in self._instruments.values()), default="")

    def all(self) -> list[Instrument]:
        """Every known contract, by exchange and symbol."""
        return [self._instruments[key] for key in sorted(self._instruments)]

    def updated(self, instruments: Iterable[Instrument]) -> "InstrumentBook":
        """A new book with these instruments added or replaced."""
        return InstrumentBook((*self._instruments.values(), *instruments))

    def market(self, exchange: str, native_symbol: str) -> Market:
        """What a contract stands for.

        Raises:
            EntryError: unknown_instrument; invalid_symbol; or what is wrong with the metadata
                itself: unsupported_quote, unsupported_instrument or invalid_number.
        """
        market = self._markets.get((exchange, native_symbol))
        if market is None:
            check_symbol(native_symbol)
            raise EntryError(
                RejectReason.UNKNOWN_INSTRUMENT,
                f"The contract size of {shown(native_symbol)} on {exchange} is not known.",
            )
        if isinstance(market, Market):
            return market
        reason, detail = market
        raise EntryError(reason, detail)


def load_snapshot() -> InstrumentBook:
    """Return the instruments that ship with the package, of every venue that has a file of them.

    Raises:
        DecodeError: a shipped file is damaged.
    """
    beside_venues = files(f"{__package__}.venues").iterdir()
    shipped = [file for file in beside_venues if file.name.endswith(SNAPSHOT_ENDING)]
    return InstrumentBook(
        instrument for file in shipped for instrument in parse_instruments(file.read_bytes())
    )


def parse_instruments(text: bytes) -> list[Instrument]:
    """The instruments of a file: a JSON array of them, or one a line.

    Raises:
        DecodeError: neither, or an entry is no instrument; the message says which.
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
    """Return the contents of a file with the contracts of this book, one a line."""
    return b"[\n" + b",\n".join(b"  " + encode(one) for one in book.all()) + b"\n]\n"


def _resolve(instrument: Instrument) -> Market | tuple[RejectReason, str]:
    try:
        return instrument_market(instrument)
    except EntryError as error:
        return error.reason, error.detail
