"""The estimated memory of fetched records, for buffers that are bounded by bytes."""

from typing import Any, Final

#: Python's memory for a record besides its bytes: the record, its headers, their names.
RECORD_OVERHEAD_BYTES: Final = 1_500


def size_of(record: Any) -> int:
    """Estimate the bytes of memory of a record."""
    return RECORD_OVERHEAD_BYTES + len(record.value or b"") + len(record.key or b"")
