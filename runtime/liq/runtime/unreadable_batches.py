"""Batches of records that aiokafka cannot read: they are fetched again, and then skipped.

Brokers accept batches whose header names are not UTF-8, and not every broker checks compressed
records. aiokafka raises for such a batch at each fetch, so the partition would end every worker
that reads it, at each start. A second fetch repairs bytes that were damaged in transit. A missing
codec still raises, because the records are intact and would be lost.
"""

from collections.abc import Iterator
from typing import Any, Final

from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.errors import UnsupportedCodecError

from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS

#: A batch is skipped after this many fetches without success.
MAX_TRIES: Final = 3

log = get_logger(__name__)


class ReadableRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka has no types
    """The records of a fetch, up to the first unreadable batch."""

    #: By partition, the offset of the unreadable batch and the number of tries, of all consumers.
    _tries: dict[Any, tuple[int, int]] = {}  # noqa: RUF012 - shared by all on purpose

    # Of aiokafka:
    _tp: Any
    _records: Any
    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        self._batch_end = -1
        batches = self._records
        self._records = _Noted(batches, self)
        try:
            yield from super()._unpack_records()
        except UnsupportedCodecError as error:
            if not _has_all_codecs():
                raise  # the installation lacks a codec; the batch itself is intact
            self._give_up(error)
        except Exception as error:  # noqa: BLE001 - whatever a codec raises
            self._give_up(error)
        else:
            self._tries.pop(self._tp, None)

    def note_batch(self, end: int) -> None:
        """Record the end offset of the current batch."""
        self._batch_end = end

    def _give_up(self, error: Exception) -> None:
        """End the iteration; after `MAX_TRIES`, move the position beyond the batch."""
        offset = self.next_fetch_offset
        place, count = self._tries.get(self._tp, (offset, 0))
        count = count + 1 if place == offset else 1
        self._tries[self._tp] = (offset, count)
        if count < MAX_TRIES:
            return
        del self._tries[self._tp]
        self.next_fetch_offset = max(offset + 1, self._batch_end)
        skipped = self.next_fetch_offset - offset
        ERRORS.labels("unreadable_records").inc(skipped)
        log.error(
            "unreadable_records",
            topic=self._tp.topic,
            partition=self._tp.partition,
            first_offset=offset,
            records=skipped,
            error=repr(error),
        )


class _Noted:
    """The batches of a fetch; each reports its end offset before it is read."""

    def __init__(self, batches: Any, records: ReadableRecords) -> None:
        self._batches = batches
        self._owner = records
        self.has_next = batches.has_next

    def next_batch(self) -> Any:
        """Return the next batch."""
        batch = self._batches.next_batch()
        self._owner.note_batch(batch.next_offset)
        return batch


def _has_all_codecs() -> bool:
    known = (codec.has_gzip, codec.has_snappy, codec.has_lz4, codec.has_zstd)
    return all(has_codec() for has_codec in known)


def skip_unreadable_batches() -> None:
    """Make every consumer of this process skip unreadable batches."""
    fetcher.PartitionRecords = ReadableRecords
