"""Division of a message with many Hyperliquid fills into messages within a limit of bytes.

A node's block has [owner, fill] pairs as `events`, a provider's message has them as `fills`, and a
`userFills` message has fills without owners. The parts of a message are copied, not encoded again,
so every fill keeps its bytes.

The patterns are safe in JSON text: a quote inside a string is escaped, so no string contains
`["0x` or `{"coin"`.
"""

import re
from typing import Any, Final

import orjson

HEAD_BYTES: Final = 400
_FILLS = re.compile(rb'"(?:events|fills)"\s*:\s*\[\s*')
_PAIR = re.compile(rb'\[\s*"0x[0-9a-fA-F]{40}"\s*,\s*\{')
_LAST_PAIR_END = re.compile(rb"\}\s*\]\s*(?=\])")
_FILL = re.compile(rb'\{\s*"coin"\s*:')
_LAST_FILL_END = re.compile(rb"\}\s*(?=\])")


def pair_starts(line: bytes) -> list[int]:
    """Return where each [owner, fill] of a line begins."""
    return [match.start() for match in _PAIR.finditer(line)]


def pieces(line: bytes, limit_bytes: int) -> list[bytes]:
    """Return a line, or if it exceeds the limit, several messages with its fills byte for byte.

    Each piece has the line's other fields. A line that cannot be divided is cut off at the limit:
    the normalizer then rejects it, with its bytes.
    """
    if len(line) <= limit_bytes:
        return [line]
    array = _FILLS.search(line, 0, HEAD_BYTES)
    starts, last_end = pair_starts(line), _LAST_PAIR_END
    if not starts:
        starts, last_end = [match.start() for match in _FILL.finditer(line)], _LAST_FILL_END
    end = last_end.search(line, starts[-1]) if starts else None
    if array is None or end is None or starts[0] != array.end():
        return [line[:limit_bytes]]
    head, tail = line[: array.end()], line[end.end() :]
    room = limit_bytes - len(head) - len(tail)
    bounds = [starts[0]]
    ends = [*starts[1:], end.end()]
    for start, stop in zip(starts, ends, strict=True):
        if stop - bounds[-1] > room and start != bounds[-1]:
            bounds.append(start)
    found = [
        head + line[start:stop].rstrip(b", \t") + tail
        for start, stop in zip(bounds, [*bounds[1:], end.end()], strict=True)
    ]
    return found if _count(found, limit_bytes) == len(starts) else [line[:limit_bytes]]


def _count(messages: list[bytes], limit_bytes: int) -> int:
    """Return the number of fills in messages; -1 if one is too long or has no array of fills."""
    count = 0
    for message in messages:
        fills = _fills(message)
        if len(message) > limit_bytes or type(fills) is not list:
            return -1
        count += len(fills)
    return count


def _fills(message: bytes) -> Any:
    try:
        fields = orjson.loads(message)
        fields = fields.get("data", fields)
        return fields["events"] if "events" in fields else fields["fills"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
