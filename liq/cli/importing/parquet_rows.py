"""Rows of a Parquet file that `liq export --format parquet` wrote, as events."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from liq.cli.importing.files import DamagedFileError
from liq.processors.archives import ArchivedEvent, BadLine, UnusableFileError, event_of_row
from liq.runtime.errors import ConfigurationError
from liq.schemas.codec import DecodeError

BATCH_ROWS: Final = 2_000
# Columns of liquidations that no other exported table has.
OWN_COLUMNS: Final = frozenset({"event_id", "native_symbol", "value_usd"})


def check_parquet(path: Path) -> None:
    """Check that a file has events.

    Raises:
        UnusableFileError: the file has other rows.
        ConfigurationError: the extra for Parquet is not installed.
    """
    missing = OWN_COLUMNS - set(_open(path).schema_arrow.names)
    if missing:
        raise UnusableFileError(
            f"{path.name} holds no events: it has no column {', '.join(sorted(missing))}. "
            "`liq export liquidations.events --format parquet` writes files that can be imported."
        )


def read_parquet(path: Path, first_row: int) -> Iterator[ArchivedEvent | BadLine]:
    """Yield the events of the rows from `first_row` on; rows count from 1.

    Raises:
        DamagedFileError: the file is damaged.
    """
    from pyarrow import ArrowException  # noqa: PLC0415 - an extra

    number = 0
    try:
        for batch in _open(path).iter_batches(batch_size=BATCH_ROWS):
            if number + batch.num_rows < first_row:
                number += batch.num_rows
                continue
            for row in batch.to_pylist():
                number += 1
                if number < first_row:
                    continue
                try:
                    yield ArchivedEvent(number, event_of_row(row))
                except DecodeError as error:
                    yield BadLine(number, "malformed_row", f"The row is no event: {error}.")
    except (ArrowException, OSError) as error:
        raise DamagedFileError(str(error)) from error


def read_columns(path: Path, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield some columns of the rows, with times in milliseconds.

    Raises:
        DamagedFileError: the file is damaged, or a column is missing.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra

    try:
        for batch in _open(path).iter_batches(batch_size=BATCH_ROWS, columns=list(names)):
            columns = [batch.column(name) for name in names]
            lists = [
                column.cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
                if pa.types.is_timestamp(column.type)
                else column
                for column in columns
            ]
            yield from zip(*(column.to_pylist() for column in lists), strict=True)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise DamagedFileError(str(error)) from error


def _open(path: Path) -> Any:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "Parquet needs pyarrow: pip install 'liquidation-engine[analysis]'."
        ) from error
    try:
        return parquet.ParquetFile(path)
    except ArrowException as error:
        raise UnusableFileError(f"{path.name} is a damaged Parquet file: {error}.") from error
