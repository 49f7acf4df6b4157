"""Records to the bytes of one insert, and the records that cannot be. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from liq.schemas.codec import DecodeError
from liq.sinks.batch import Delivered
from liq.sinks.clickhouse.documents import Document, rejection
from liq.sinks.clickhouse.native import NativeColumn, block, packed, strings
from liq.sinks.clickhouse.tables import POSITION_COLUMNS, REJECTED, Table
from liq.sinks.refusals import Refusal

UNDECODABLE = "undecodable_record"
# Documents are far larger than their bytes. So few of them stay in the processor's cache while
# they are read column by column, and hold little memory. The server joins the blocks of an insert.
BLOCK_ROWS = 256

Entry = tuple[Delivered, Document]
IsStored = Callable[[Delivered, Document], bool]


@dataclass(slots=True)
class Encoded:
    """An insert: the records in it, its bytes, and what was left out."""

    table: Table
    records: list[Delivered] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    skipped: int = 0


def encode(
    table: Table, records: Sequence[Delivered], is_stored: IsStored | None = None
) -> Encoded:
    """Encode the records of one table; those that `is_stored` knows are left out."""
    encoded = Encoded(table)
    for start in range(0, len(records), BLOCK_ROWS):
        entries = _parsed(records[start : start + BLOCK_ROWS], encoded)
        if is_stored is not None:
            fresh = [entry for entry in entries if not is_stored(*entry)]
            encoded.skipped += len(entries) - len(fresh)
            entries = fresh
        for part, data in _blocks(table, entries, encoded.refusals):
            encoded.records += [record for record, _ in part]
            encoded.blocks.append(data)
    return encoded


def encode_refusals(refusals: Sequence[Refusal]) -> Encoded:
    """The rows of `rejected` that keep refused records with their bytes."""
    entries = [
        (refusal.record, rejection(refusal.record, refusal.reason, refusal.detail))
        for refusal in refusals
    ]
    encoded = Encoded(REJECTED, records=[record for record, _ in entries])
    for start in range(0, len(entries), BLOCK_ROWS):
        encoded.blocks.append(_block(REJECTED, entries[start : start + BLOCK_ROWS]))
    return encoded


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
    """Blocks of all entries that fit; a block that does not is halved until the bad stand alone."""
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
