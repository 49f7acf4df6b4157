"""The number of records of each poll, chosen so that their bytes stay bounded.

aiokafka limits a poll by records, and decompresses the records as they are polled: 2,000 records
are 2 MB of events, or 2 GB of frames of 1 MiB. The largest record of one poll determines the number
of records of the next. So only the first poll can exceed the bound.
"""

from collections.abc import Collection, Mapping
from typing import Any


class FetchPace:
    """The size of polls: at most `max_records` and about `size_bytes` each."""

    def __init__(self, max_records: int, size_bytes: int) -> None:
        """Start with `max_records`; that many records of the largest size must fit into memory."""
        self._max_records = max_records
        self._size_bytes = size_bytes
        self.records = max_records
        #: Bytes of the largest value of the last poll.
        self.largest = 0

    def note(self, fetched: Mapping[Any, Collection[Any]]) -> None:
        """Choose the number of records of the next poll from the records of the last one."""
        largest = max(
            (len(record.value or b"") for records in fetched.values() for record in records),
            default=0,
        )
        if largest:
            self.largest = largest
            self.records = max(1, min(self._max_records, self._size_bytes // largest))
