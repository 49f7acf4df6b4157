"""Facts of one line of a node's fills, found without parsing it: few lines have a liquidation.

Source: hyperliquid-dex/node README (2026-05). `--write-fills` writes one [owner, fill] a line. With
`--batch-by-block` a line is a block with `local_time`, `block_time`, `block_number` and `events`,
which are such pairs; with `--stream-with-block-info` a line is a part of a block. `local_time` is
when the node wrote the line: a node that restarts from an older block writes the same `events` with
another `local_time`.

The patterns are safe in JSON text: a quote inside a string is escaped, so no string contains
`{"local_time"`, `"events":[` or `["0x`.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from liq.producers.feeds.pieces import HEAD_BYTES, pair_starts
from liq.schemas.units import DAY_MS, SECOND_MS

#: Non-consecutive blocks this far apart have a hole between them. The chain has several a second.
HOLE_MS: Final = 60 * SECOND_MS
_IS_LIQUIDATION = re.compile(rb'"liquidation"\s*:\s*\{')
_BLOCK = re.compile(rb'\{\s*"(?:local_time|block_time|block_number|events)"\s*:\s*["0-9\[]')
#: A block that begins with a field of another name.
_OTHER_BLOCK = re.compile(rb'\{\s*"[^{}\[\]]{1,400}"events"\s*:\s*\[')
_EVENTS = re.compile(rb'"events"\s*:\s*\[\s*')
_BLOCK_TIME = re.compile(rb'"block_time"\s*:\s*"([0-9T:-]{19})')
_BLOCK_NUMBER = re.compile(rb'"block_number"\s*:\s*([0-9]{1,18})\b')
_FILL_TIME = re.compile(rb'"time"\s*:\s*([0-9]{13})\b')


def holds_liquidation(line: bytes) -> bool:
    """Return whether any fill of a line has a `liquidation`."""
    return _IS_LIQUIDATION.search(line) is not None


def identity(line: bytes) -> bytes:
    """Return a hash (8 bytes) of a line's fills: equal when a node writes the same fills again."""
    events = _EVENTS.search(line)
    fills = line if events is None else memoryview(line)[events.start() :]
    return hashlib.blake2b(fills, digest_size=8).digest()


def separated(line: bytes) -> list[bytes]:
    """Return a line, or its two parts where a killed node left a cut line without a newline.

    The first part is then cut off, and not JSON; the second is what the restarted node wrote. A
    line that is JSON is whole, whatever its fields are.
    """
    starts = [match.start() for match in _BLOCK.finditer(line)]
    if starts == [0] or is_json(line):
        return [line]
    starts = starts or [match.start() for match in _OTHER_BLOCK.finditer(line)] or pair_starts(line)
    last = starts[-1] if starts else 0
    return [line[:last], line[last:]] if line[:last].strip() else [line]


def is_json(line: bytes) -> bool:
    """Return whether a line is whole JSON."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


@dataclass(slots=True)
class Hole:
    """A time (UTC, ms) of blocks that a node never wrote."""

    from_ms: int
    to_ms: int


@dataclass(slots=True)
class Chain:
    """The newest block in the lines so far: its time (UTC, ms), or 0, and its number."""

    time_ms: int = 0
    number: int | None = None

    def note(self, line: bytes, now_ms: int) -> Hole | None:
        """Apply a line; return the hole before it, if there is one.

        Blocks that were written before and times more than a day ahead change nothing.
        """
        time_ms, number = _time_ms(line), _number(line)
        if time_ms is None or not self.time_ms < time_ms < now_ms + DAY_MS:
            return None
        former_ms, former = self.time_ms, self.number
        self.time_ms, self.number = time_ms, number
        follows = former is not None and number == former + 1
        if former_ms == 0 or follows or time_ms - former_ms < HOLE_MS:
            return None
        return Hole(former_ms, time_ms)


def _time_ms(line: bytes) -> int | None:
    """Return a block's time (whole seconds) or a fill's time, in milliseconds; None without one."""
    block = _BLOCK_TIME.search(line, 0, HEAD_BYTES) or _BLOCK_TIME.search(line, _tail_of(line))
    if block is not None:
        try:
            whole = datetime.fromisoformat(block[1].decode()).replace(tzinfo=UTC)
        except ValueError:
            return None
        return int(whole.timestamp()) * SECOND_MS
    fill = _FILL_TIME.search(line, 0, 2 * HEAD_BYTES)
    return int(fill[1]) if fill is not None else None


def _number(line: bytes) -> int | None:
    found = _BLOCK_NUMBER.search(line, 0, HEAD_BYTES) or _BLOCK_NUMBER.search(line, _tail_of(line))
    return int(found[1]) if found is not None else None


def _tail_of(line: bytes) -> int:
    return max(0, len(line) - HEAD_BYTES)
