"""How many records to take from a consumer at once, so that their bytes stay bounded.

aiokafka counts records. What is fetched waits in it compressed, and becomes large as it is taken:
2,000 records are 2 MB of events, or 2 GB of frames of 1 MiB. The next step is sized by the largest
record of the last one, so that only a first step can overshoot, by its own number of records.
"""

from collections.abc import Collection, Mapping
from typing import Any


class FetchPace:
    """Sizes steps: at most `max_records` each, and about `size_bytes`."""

    def __init__(self, max_records: int, size_bytes: int) -> None:
        """`max_records` of the largest size must fit into memory once."""
        self._max_records = max_records
        self._size_bytes = size_bytes
        self.records = max_records

    def note(self, fetched: Mapping[Any, Collection[Any]]) -> None:
        """Size the next step by what the last one brought."""
        largest = max(
            (len(record.value or b"") for records in fetched.values() for record in records),
            default=0,
        )
        if largest:
            self.records = max(1, min(self._max_records, self._size_bytes // largest))
