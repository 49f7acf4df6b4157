"""Contract metadata from a user's file, in addition to that of the package."""

from pathlib import Path

from liq.processors.normalizers import InstrumentBook, load_snapshot
from liq.processors.normalizers.instruments import parse_instruments
from liq.runtime.errors import ConfigurationError
from liq.schemas.codec import DecodeError


def instrument_book(path: Path | None) -> InstrumentBook:
    """Return the contracts of the package, extended and replaced by those of a file.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    shipped = load_snapshot()
    if path is None:
        return shipped
    try:
        return shipped.updated(parse_instruments(path.read_bytes()))
    except (OSError, DecodeError) as error:
        raise ConfigurationError(
            f"--instruments {path} cannot be used ({error}): give the file that "
            "liq instruments refresh --snapshot or liq export liquidations.instruments writes."
        ) from error
