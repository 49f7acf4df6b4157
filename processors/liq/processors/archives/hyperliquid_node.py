"""Hyperliquid: hourly files of a node's fills, from an own node or from the archive.

Sources: hyperliquid-dex/node README (2026-05); descriptions of `hl-mainnet-node-data` by several
public studies: `node_fills/hourly/DAY/HOUR.lz4` from 2025-05-25, `node_fills_by_block` from
2025-07-27.

- A line is [owner, fill], or a block with `local_time`, `block_time`, `block_number` and `events`,
  which are such pairs. Most fills are not liquidations; lines without a liquidation are skipped
  unparsed.
- The time of receipt is `local_time`, when the node wrote the block. For a single fill it is the
  fill's time.
- Times of blocks are texts in UTC with nanoseconds.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import orjson

from liq.processors.archives.entries import (
    Archive,
    ArchivedFrame,
    BadLine,
    FileHead,
    Item,
    Line,
    Reader,
    UnusableFileError,
)
from liq.processors.normalizers.instruments import InstrumentBook
from liq.schemas.units import SECOND_MS

EXCHANGE: Final = "hyperliquid"
FEED: Final = "nodeFills"
MARK: Final = b'"liquidation"'

_PAIR = re.compile(rb'\s*\[\s*"0x[0-9a-fA-F]{40}"\s*,\s*\{')
_BLOCK = re.compile(
    rb'\s*\{\s*"(?:(?:local_time|block_time|block_number|events)"\s*:|'
    rb'[^{}\[\]]{1,400}"events"\s*:\s*\[\s*(?:\]|\[\s*"0x))'
)
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z?")


def recognizes(head: FileHead) -> bool:
    """Return whether the first line is a fill with its owner, or a block."""
    return _PAIR.match(head.first) is not None or _BLOCK.match(head.first) is not None


def open_file(head: FileHead, _: InstrumentBook) -> Reader:
    """Return the reader of a file.

    Raises:
        UnusableFileError: the first line is neither a fill with its owner nor a block.
    """
    if not recognizes(head):
        raise UnusableFileError(
            f"{head.name} holds no fills of a node of Hyperliquid: its first line is neither "
            '["0x...", {fill}] nor a block with `events`.'
        )
    return read


def read(lines: Iterable[Line]) -> Iterator[Item]:
    """Convert the lines with liquidations to frames."""
    for line in lines:
        if MARK not in line.content:
            continue
        try:
            message = orjson.loads(line.content)
            received_ms = received_at_ms(message)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            sentence = f"The line is neither a fill with its owner nor a block: {error}."
            yield BadLine(line.number, "not_json", sentence)
            continue
        yield ArchivedFrame(line.number, EXCHANGE, FEED, message, received_ms, line.content)


def received_at_ms(message: Any) -> int:
    """Return the time at which a node received a line's fills (UTC, ms).

    Raises:
        ValueError: the time is malformed.
        TypeError: the line has another shape; KeyError, IndexError and AttributeError likewise.
    """
    if isinstance(message, list):
        return _fill_ms(message)
    written = message.get("local_time") or message.get("block_time")
    return utc_ms(written) if written else max(map(_fill_ms, message["events"]))


def _fill_ms(owned_fill: Any) -> int:
    time_ms = owned_fill[1].get("time", 0)
    if type(time_ms) is not int:
        raise TypeError("time is no whole number")
    return time_ms


def utc_ms(text: str) -> int:
    """Parse a time like 2025-10-10T21:15:00.123456789 (UTC); return milliseconds.

    Raises:
        ValueError: the text has another form.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("a block's time is written otherwise than 2025-10-10T21:15:00.123")
    whole, fraction = match.groups()
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * SECOND_MS + int((fraction or "0").ljust(9, "0")[:3])


ARCHIVE: Final = Archive(
    name="hyperliquid-node",
    title="Hyperliquid, a node's fills by block or by fill (JSON Lines, lz4)",
    ids="those of the live feeds: time, coin and trade id",
    recognizes=recognizes,
    open=open_file,
)
