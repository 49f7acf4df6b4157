"""Encoding of records as the bytes of an insert, with refusals of undecodable records. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from liq.schemas.codec import DecodeError
from liq.sinks.batch import Delivered
from liq.sinks.clickhouse.documents import Document, rejection
from liq.sinks.clickhouse.keys import KEYS
from liq.sinks.clickhouse.native import NativeColumn, block, packed, strings
from liq.sinks.clickhouse.tables import POSITION_COLUMNS, REJECTED, Table
from liq.sinks.refusals import Refusal

UNDECODABLE = "undecodable_record"
# Documents are far larger than their bytes. This number of them fits into the processor's cache
# while the columns are read. The server joins the blocks of an insert.
BLOCK_ROWS = 256

Entry = tuple[Delivered, Document]
IsStored = Callable[[Delivered, Document], bool]


@dataclass(slots=True)
class Encoded:
    """An insert: its records and bytes, the refusals, and the number of skipped records."""

    table: Table
    records: list[Delivered] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    skipped: int = 0


def encode(
    table: Table, records: Sequence[Delivered], is_stored: IsStored | None = None
) -> Encoded:
    """Encode the records of one table, except for those for which `is_stored` is true."""
    [encoded] = encode_for_shards(table, records, 1, is_stored)
    return encoded


def encode_for_shards(
    table: Table, records: Sequence[Delivered], shards: int, is_stored: IsStored | None = None
) -> list[Encoded]:
    """Encode the records of one table for each shard; the first item has all refusals."""
    encoded = [Encoded(table) for _ in range(shards)]
    for start in range(0, len(records), BLOCK_ROWS):
        entries = _parsed(records[start : start + BLOCK_ROWS], encoded[0])
        if is_stored is not None:
            fresh = [entry for entry in entries if not is_stored(*entry)]
            encoded[0].skipped += len(entries) - len(fresh)
            entries = fresh
        for shard, of_shard in zip(encoded, _spread(table, entries, shards), strict=True):
            for part, data in _blocks(table, of_shard, encoded[0].refusals):
                shard.records += [record for record, _ in part]
                shard.blocks.append(data)
    return encoded


def encode_refusals(refusals: Sequence[Refusal]) -> Encoded:
    """Encode refused records, with their bytes, as rows of `rejected`."""
    [encoded] = encode_refusals_for_shards(refusals, 1)
    return encoded


def encode_refusals_for_shards(refusals: Sequence[Refusal], shards: int) -> list[Encoded]:
    """Encode refused records as rows of `rejected` for each shard."""
    entries = [
        (refusal.record, rejection(refusal.record, refusal.reason, refusal.detail))
        for refusal in refusals
    ]
    encoded = []
    for of_shard in _spread(REJECTED, entries, shards):
        encoded.append(Encoded(REJECTED, records=[record for record, _ in of_shard]))
        for start in range(0, len(of_shard), BLOCK_ROWS):
            block_of = _block(REJECTED, of_shard[start : start + BLOCK_ROWS])
            encoded[-1].blocks.append(block_of)
    return encoded


def _spread(table: Table, entries: Sequence[Entry], shards: int) -> Sequence[Sequence[Entry]]:
    if shards == 1:
        return (entries,)
    key = KEYS[table.name].of
    spread: list[list[Entry]] = [[] for _ in range(shards)]
    for entry in entries:
        spread[key(*entry) % shards].append(entry)
    return spread


def _parsed(records: Sequence[Delivered], encoded: Encoded) -> list[Entry]:
    entries: list[Entry] = []
    table = encoded.table
    for record in records:
        try:
            entries.append((record, table.parse(record)))
        except DecodeError as error:
            encoded.refusals.append(_undecodable(table, record, error))
    return entries


def _blocks(
    table: Table, entries: Sequence[Entry], refusals: list[Refusal]
) -> Iterator[tuple[Sequence[Entry], bytes]]:
    """Yield blocks of all valid entries; an invalid block is halved to isolate the bad entries."""
    pending = [entries] if entries else []
    while pending:
        part = pending.pop()
        try:
            data = _block(table, part)
        except DecodeError as error:
            if len(part) == 1:
                refusals.append(_undecodable(table, part[0][0], error))
            else:
                middle = len(part) // 2
                pending += [part[middle:], part[:middle]]
        else:
            yield part, data


def _block(table: Table, entries: Sequence[Entry]) -> bytes:
    documents = [document for _, document in entries]
    records = [record for record, _ in entries]
    columns = [
        NativeColumn(name, column.type, column.read(documents))
        for name, column in table.columns.items()
    ]
    topic, partition, offset = POSITION_COLUMNS
    columns += [
        NativeColumn(topic, "String", strings([record.topic for record in records])),
        NativeColumn(partition, "UInt16", packed("H", [record.partition for record in records])),
        NativeColumn(offset, "UInt64", packed("Q", [record.offset for record in records])),
    ]
    return block(len(entries), columns)


def _undecodable(table: Table, record: Delivered, error: DecodeError) -> Refusal:
    return Refusal(record, UNDECODABLE, f"{table.name}: {error}")
